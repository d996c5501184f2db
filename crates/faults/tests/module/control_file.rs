//! Tests the control file: absent, replaced, malformed.

use cryptoki::error::RvError;

use crate::fixture::{Bench, code};

#[test]
fn calls_pass_without_a_control_file() {
    let bench = Bench::new();
    assert!(!bench.directory.path().join("faults.toml").exists());
    bench.session("north").generate_random_vec(8).unwrap();
}

#[test]
fn counts_begin_anew_when_the_file_is_replaced() {
    let bench = Bench::new();
    let session = bench.session("north");
    for _ in 0..3 {
        bench.order("[[fault]]\nfunction = \"C_GenerateRandom\"\nreturn = \"CKR_DEVICE_ERROR\"\non = 2");
        session.generate_random_vec(8).unwrap();
        assert_eq!(code(session.generate_random_vec(8)), RvError::DeviceError);
        session.generate_random_vec(8).unwrap();
    }
    std::fs::remove_file(bench.directory.path().join("faults.toml")).unwrap();
    session.generate_random_vec(8).unwrap();
    session.generate_random_vec(8).unwrap();
}

#[test]
fn malformed_file_fails_every_call_until_it_is_corrected() {
    let bench = Bench::new();
    let session = bench.session("north");
    bench.order("[[fault]]\nfunction = \"C_Sing\"\nhang = true");
    for _ in 0..2 {
        assert_eq!(code(session.generate_random_vec(8)), RvError::GeneralError);
        assert_eq!(code(bench.module.get_all_slots()), RvError::GeneralError);
    }
    bench.order(
        "[[fault]]\nfunction = \"C_GenerateRandom\"\nreturn = \"CKR_OK\"\ncounter = \"/nowhere/count\"",
    );
    assert_eq!(code(session.generate_random_vec(8)), RvError::GeneralError);
    bench.order("");
    session.generate_random_vec(8).unwrap();
    // A file that cannot be read is not one without rules.
    std::fs::remove_file(bench.directory.path().join("faults.toml")).unwrap();
    std::fs::create_dir(bench.directory.path().join("faults.toml")).unwrap();
    assert_eq!(code(session.generate_random_vec(8)), RvError::GeneralError);
}
