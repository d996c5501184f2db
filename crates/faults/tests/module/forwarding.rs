//! Tests that calls without a fault reach the module behind, and return what it returns.

use std::fmt::Debug;
use std::os::raw::c_ulong;

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType};
use cryptoki::session::UserType;
use cryptoki_sys::{CK_FUNCTION_LIST, CK_RV};

use crate::fixture::{Bench, faults, generate, pin, prepare, softhsm};

/// A function of the list, called with more arguments than it has: they are in registers and on the stack of the caller.
type AnyFunction =
    unsafe extern "C" fn(c_ulong, c_ulong, c_ulong, c_ulong, c_ulong, c_ulong, c_ulong, c_ulong) -> CK_RV;

/// The functions of a module in the order of its list.
#[expect(unsafe_code, reason = "calls every function, whatever its arguments are")]
fn functions(path: &std::path::Path) -> Vec<AnyFunction> {
    // SAFETY: the library is a PKCS#11 module, and stays loaded. Its list consists of a version and pointers to functions.
    unsafe {
        let module = Box::leak(Box::new(cryptoki_sys::Pkcs11::new(path).unwrap()));
        let mut list: *mut CK_FUNCTION_LIST = std::ptr::null_mut();
        assert_eq!(module.C_GetFunctionList(&raw mut list), 0);
        let pointer = size_of::<AnyFunction>();
        let count = (size_of::<CK_FUNCTION_LIST>() - pointer) / pointer;
        let first = list.cast::<AnyFunction>().add(1);
        std::slice::from_raw_parts(first, count).to_vec()
    }
}

#[test]
#[expect(unsafe_code, reason = "calls every function, whatever its arguments are")]
fn every_function_returns_what_the_module_behind_returns() {
    const INITIALIZE: usize = 0;
    const FINALIZE: usize = 1;
    const WAIT_FOR_SLOT_EVENT: usize = 67;
    let directory = prepare();
    // Reading the environment and loading the module behind precede the comparison.
    let (own, behind) = (functions(&faults()), functions(&softhsm()));
    assert_eq!((own.len(), behind.len()), (68, 68));
    let rules = "[[fault]]\nfunction = \"*\"\nlog = true";
    crate::fixture::order(directory.path(), rules);
    // SAFETY: null pointers and an invalid session, which every function rejects.
    let call = |function: AnyFunction| unsafe { function(0, 0, 0, 0, 0, 0, 0, 0) };
    let compare = |what: &str| {
        for number in (0..own.len()).filter(|n| ![INITIALIZE, FINALIZE, WAIT_FOR_SLOT_EVENT].contains(n)) {
            assert_eq!(call(own[number]), call(behind[number]), "function {number} {what}");
        }
    };
    compare("before C_Initialize");
    assert_eq!((call(own[INITIALIZE]), call(behind[INITIALIZE])), (0, 0x191));
    compare("after C_Initialize");
    assert_eq!((call(own[FINALIZE]), call(behind[FINALIZE])), (0, 0x190));

    let lines = crate::fixture::log(directory.path());
    let names: std::collections::BTreeSet<&str> =
        lines.iter().map(|line| line.split(' ').nth(1).unwrap()).collect();
    // Without C_GetFunctionList, which is not passed on, and C_WaitForSlotEvent.
    assert_eq!(names.len(), 66, "{names:?}");
    let initialized = lines.iter().filter(|line| line.ends_with("C_Initialize rule=1 passed: CKR_OK"));
    assert_eq!(initialized.count(), 1);
}

#[test]
fn results_are_those_of_the_module_behind() {
    let bench = Bench::new();
    // The same library, which is initialized already.
    let behind = Pkcs11::new(softhsm()).unwrap();
    let slot = bench.slot("north");
    let session = bench.session("north");
    let direct = behind.open_rw_session(slot).unwrap();
    fn same<T: Debug>(own: T, behind: T) {
        assert_eq!(format!("{own:?}"), format!("{behind:?}"));
    }
    same(bench.module.get_library_info(), behind.get_library_info());
    same(bench.module.get_all_slots(), behind.get_all_slots());
    same(bench.module.get_slot_info(slot), behind.get_slot_info(slot));
    same(bench.module.get_token_info(slot), behind.get_token_info(slot));
    same(bench.module.get_mechanism_list(slot), behind.get_mechanism_list(slot));
    let mechanism = MechanismType::AES_CBC_PAD;
    same(bench.module.get_mechanism_info(slot, mechanism), behind.get_mechanism_info(slot, mechanism));
    let state = |session: &cryptoki::session::Session| session.get_session_info().unwrap().session_state();
    same(state(&session), state(&direct));
    same(session.login(UserType::User, Some(&pin())), direct.login(UserType::User, Some(&pin())));

    // What one does, the other sees.
    let key = generate(&session).unwrap();
    let wanted = [AttributeType::Label, AttributeType::ValueLen, AttributeType::Sensitive];
    same(session.get_attributes(key, &wanted), direct.get_attributes(key, &wanted));
    let mechanism = Mechanism::AesCbcPad([7; 16]);
    let ciphertext = session.encrypt(&mechanism, key, b"some text").unwrap();
    assert_eq!(direct.encrypt(&mechanism, key, b"some text").unwrap(), ciphertext);
    assert_eq!(session.decrypt(&mechanism, key, &ciphertext).unwrap(), b"some text");
    session.encrypt_init(&mechanism, key).unwrap();
    let mut parts = session.encrypt_update(b"some ").unwrap();
    parts.extend(session.encrypt_update(b"text").unwrap());
    parts.extend(session.encrypt_final().unwrap());
    assert_eq!(parts, ciphertext);
    same(session.digest(&Mechanism::Sha256, b"text"), direct.digest(&Mechanism::Sha256, b"text"));
    let find = [Attribute::Label(b"key".to_vec())];
    same(session.find_objects(&find), direct.find_objects(&find));
    assert_eq!(session.generate_random_vec(32).unwrap().len(), 32);
    let copy = session.copy_object(key, &[Attribute::Token(false)]).unwrap();
    same(session.get_attributes(copy, &wanted), direct.get_attributes(copy, &wanted));
    session.destroy_object(key).unwrap();
    same(session.get_attributes(key, &wanted), direct.get_attributes(key, &wanted));
    assert!(bench.log().is_empty(), "no fault was ordered");
}
