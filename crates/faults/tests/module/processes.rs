//! Tests what needs several processes: crashes, counts that they share, and a module that is not configured.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};

use crate::fixture::{Bench, faults, generate, keys, log, order, pin};

/// Runs this test again in a process that uses the tokens of a directory.
fn application(test: &str, directory: &Path, module: &Path) -> (ExitStatus, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("FAULTS_TEST_DIRECTORY", directory)
        .env("SOFTHSM2_CONF", directory.join("softhsm2.conf"))
        .env("STRONGROOM_FAULTS_MODULE", module)
        .env("STRONGROOM_FAULTS_CONTROL", directory.join("faults.toml"))
        .env("STRONGROOM_FAULTS_LOG", directory.join("faults.log"))
        .output()
        .unwrap();
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Whether this process is one of [`application`], which generates keys.
fn is_application() -> bool {
    if std::env::var_os("FAULTS_TEST_DIRECTORY").is_none() {
        return false;
    }
    let module = Pkcs11::new(faults()).unwrap();
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let slots = module.get_slots_with_token().unwrap();
    let slot = slots.into_iter().find(|slot| module.get_token_info(*slot).unwrap().label() == "north");
    let session = module.open_rw_session(slot.unwrap()).unwrap();
    session.login(cryptoki::session::UserType::User, Some(&pin())).unwrap();
    for _ in 0..3 {
        // A failed call is in the log.
        let _ = generate(&session);
    }
    true
}

#[test]
fn process_crashes_before_or_after_the_call() {
    if is_application() {
        return;
    }
    let name = "processes::process_crashes_before_or_after_the_call";
    let bench = Bench::new();
    let mut expected = 0;
    for (crash, signal, after) in
        [("SEGV", 11, false), ("ABRT", 6, false), ("KILL", 9, false), ("KILL", 9, true)]
    {
        let rule =
            format!("[[fault]]\nfunction = \"C_GenerateKey\"\non = 2\ncrash = \"{crash}\"\nafter = {after}");
        bench.order(&rule);
        let (status, output) = application(name, bench.directory.path(), &crate::fixture::softhsm());
        assert_eq!(status.signal(), Some(signal), "{status}: {output}");
        expected += if after { 2 } else { 1 };
    }
    assert_eq!(bench.log().len(), 4);
    // Another process has added the keys.
    bench.order("");
    let (status, output) = application(name, bench.directory.path(), &crate::fixture::softhsm());
    assert!(status.success(), "{output}");
    assert_eq!(keys(&bench.session("north")), expected + 3);
}

#[test]
fn counter_file_counts_the_calls_of_all_processes() {
    let name = "processes::counter_file_counts_the_calls_of_all_processes";
    if is_application() {
        return;
    }
    let bench = Bench::new();
    let counter = bench.directory.path().join("count");
    let rule = format!(
        "[[fault]]\nfunction = \"C_GenerateKey\"\nreturn = \"CKR_DEVICE_ERROR\"\non = 5\ncounter = \"{}\"",
        counter.display()
    );
    bench.order(&rule);
    for _ in 0..3 {
        let (status, output) = application(name, bench.directory.path(), &crate::fixture::softhsm());
        assert!(status.success(), "{output}");
    }
    assert_eq!(std::fs::read_to_string(counter).unwrap(), "9 1\n");
    assert_eq!(log(bench.directory.path()).len(), 1);
    assert_eq!(keys(&bench.session("north")), 8);
}

#[test]
fn unusable_module_and_malformed_file_are_explained() {
    let name = "processes::unusable_module_and_malformed_file_are_explained";
    if is_application() {
        return;
    }
    let directory = crate::fixture::prepare();
    for (module, reason) in [
        ("", "the variable STRONGROOM_FAULTS_MODULE does not name a module"),
        ("/nowhere/module.so", "strongroom-faults: loading /nowhere/module.so"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "C_GetFunctionList"),
    ] {
        let (status, output) = application(name, directory.path(), Path::new(module));
        assert!(!status.success() && (output.contains(reason) || !Path::new(module).exists()), "{output}");
    }
    order(directory.path(), "[[fault]]\nfunction = \"*\"\nonce = true");
    let (status, output) = application(name, directory.path(), &crate::fixture::softhsm());
    assert!(
        !status.success() && output.contains("faults.toml: ") && output.contains("unknown field `once`"),
        "{output}"
    );
}
