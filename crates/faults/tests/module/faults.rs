//! Tests each kind of fault.

use std::time::{Duration, Instant};

use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::session::UserType;

use crate::fixture::{Bench, code, generate, keys, pin};

#[test]
fn code_is_returned_instead_of_the_call_or_after_it() {
    let bench = Bench::new();
    let session = bench.session("north");
    bench.order(
        "[[fault]]\nname = \"full\"\nfunction = \"C_GenerateKey\"\nreturn = \"CKR_DEVICE_MEMORY\"\non = 2",
    );
    generate(&session).unwrap();
    assert_eq!(code(generate(&session)), RvError::DeviceMemory);
    generate(&session).unwrap();
    assert_eq!(keys(&session), 2);

    bench.order("[[fault]]\nfunction = \"C_GenerateKey\"\nreturn = \"CKR_DEVICE_ERROR\"\nafter = true");
    assert_eq!(code(generate(&session)), RvError::DeviceError);
    assert_eq!(keys(&session), 3, "the answer was lost, not the effect");
    bench.order("[[fault]]\nfunction = [\"C_Sign\", \"C_GenerateRandom\"]\nreturn = 0x80000001\ntimes = 0");
    for _ in 0..3 {
        assert_eq!(code(session.generate_random_vec(8)), RvError::VendorDefined(0x8000_0001));
    }
    generate(&session).unwrap();

    let pid = std::process::id();
    let lines = bench.log();
    assert_eq!(lines[0], format!("pid={pid} C_GenerateKey rule=full CKR_DEVICE_MEMORY before the call"));
    assert_eq!(
        lines[1],
        format!("pid={pid} C_GenerateKey rule=1 CKR_DEVICE_ERROR after the call, which returned CKR_OK")
    );
    assert_eq!(lines.len(), 5);
}

#[test]
fn call_is_delayed_or_hangs_until_the_rule_is_gone() {
    let bench = Bench::new();
    let session = bench.session("north");
    bench.order("[[fault]]\nfunction = \"C_GenerateRandom\"\ndelay_ms = 150");
    let started = Instant::now();
    session.generate_random_vec(8).unwrap();
    assert!(started.elapsed() >= Duration::from_millis(150));

    bench.order("[[fault]]\nfunction = \"C_GenerateKey\"\nhang = true\nafter = true");
    let other = bench.session_again("north");
    std::thread::scope(|scope| {
        let hanging = scope.spawn(move || generate(&other).is_ok());
        while bench.log().len() < 2 {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(keys(&session), 1, "the call has taken effect");
        // The rule is at another place, and the call still hangs.
        bench.order(
            "[[fault]]\nfunction = \"C_Logout\"\nlog = true\n[[fault]]\nfunction = \"C_GenerateKey\"\nhang = true\nafter = true\n",
        );
        std::thread::sleep(Duration::from_millis(100));
        assert!(!hanging.is_finished());
        bench.order("");
        assert!(hanging.join().unwrap());
    });
    assert_eq!(keys(&session), 1);
}

#[test]
fn lost_sessions_and_logins_are_those_of_the_selected_token() {
    let bench = Bench::new();
    let (north, south) = (bench.session("north"), bench.session("south"));
    bench.order("[[fault]]\nfunction = \"C_GenerateRandom\"\nlose = \"sessions\"\nlabel = \"north\"");
    south.generate_random_vec(8).unwrap();
    assert_eq!(code(north.generate_random_vec(8)), RvError::SessionHandleInvalid);
    generate(&south).unwrap();
    // Nothing is wrong with a new session.
    let north = bench.session("north");
    let key = generate(&north).unwrap();

    bench.order("[[fault]]\nfunction = \"C_EncryptInit\"\nlose = \"login\"\nlabel = \"north\"");
    let mechanism = Mechanism::AesCbcPad([7; 16]);
    let lost = code(north.encrypt(&mechanism, key, b"text"));
    assert!(
        matches!(lost, RvError::UserNotLoggedIn | RvError::KeyHandleInvalid | RvError::ObjectHandleInvalid),
        "{lost:?}"
    );
    assert_eq!(keys(&north), 0, "a private object is invisible without a login");
    assert_eq!(keys(&south), 1);
    north.login(UserType::User, Some(&pin())).unwrap();
    assert_eq!(keys(&north), 1);
}

#[test]
fn absent_token_has_no_slot_and_returns_without_sessions() {
    let bench = Bench::new();
    let (north, south) = (bench.session("north"), bench.session("south"));
    let slot = bench.slot("north");
    generate(&north).unwrap();
    let before = bench.module.get_slots_with_token().unwrap().len();
    bench.order("[[fault]]\ntoken = \"absent\"\nlabel = \"north\"");
    let slots = bench.module.get_slots_with_token().unwrap();
    assert!(slots.len() + 1 == before && !slots.contains(&slot), "{slots:?}");
    assert!(bench.module.get_all_slots().unwrap().contains(&slot));
    assert!(!bench.module.get_slot_info(slot).unwrap().token_present());
    assert_eq!(code(bench.module.get_token_info(slot)), RvError::TokenNotPresent);
    assert_eq!(code(bench.module.open_rw_session(slot)), RvError::TokenNotPresent);
    assert_eq!(code(north.generate_random_vec(8)), RvError::DeviceRemoved);
    assert_eq!(code(generate(&north)), RvError::DeviceRemoved);
    generate(&south).unwrap();

    bench.order("");
    assert!(bench.module.get_slots_with_token().unwrap().contains(&slot));
    assert_eq!(code(north.generate_random_vec(8)), RvError::SessionHandleInvalid);
    let north = bench.session("north");
    assert_eq!(keys(&north), 1);
    assert!(
        bench.log().iter().any(|line| line.ends_with("C_OpenSession rule=1 absent: CKR_TOKEN_NOT_PRESENT"))
    );
}

#[test]
fn first_rule_that_strikes_decides_and_log_rules_strike_nothing() {
    let bench = Bench::new();
    let session = bench.session("north");
    bench.order(
        "[[fault]]\nname = \"trace\"\nfunction = \"*\"\nlog = true\n\
         [[fault]]\nfunction = \"C_GenerateRandom\"\nreturn = \"CKR_FUNCTION_FAILED\"\n\
         [[fault]]\nfunction = \"C_GenerateRandom\"\nreturn = \"CKR_HOST_MEMORY\"\n",
    );
    assert_eq!(code(session.generate_random_vec(8)), RvError::FunctionFailed);
    assert_eq!(code(session.generate_random_vec(8)), RvError::HostMemory);
    session.generate_random_vec(8).unwrap();
    let pid = std::process::id();
    let passed = |code: &str| format!("pid={pid} C_GenerateRandom rule=trace passed: {code}");
    let lines = bench.log();
    assert_eq!(lines[1], passed("CKR_FUNCTION_FAILED"));
    assert_eq!(lines.last(), Some(&passed("CKR_OK")));
    assert!(!lines.iter().any(|line| line.contains("1234")), "no PIN is logged");
}
