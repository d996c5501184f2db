//! Runs the example of `docs/faults.md` with this service.

use strongroom::token::{Profile, softhsm_path};

use super::rig::faults_module;
use crate::tour::shell;

const PAGE: &str = include_str!("../../../docs/faults.md");

#[test]
fn example_with_strongroom_runs() {
    let (_, rest) = PAGE.split_once("\n```sh with strongroom\n").unwrap();
    let script = rest.split_once("\n```\n").unwrap().0;
    let directory = tempfile::tempdir().unwrap();
    let output = shell()
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(&directory)
        .env("FAULTS", faults_module())
        .env("SOFTHSM", softhsm_path(None, &Profile::named("softhsm").unwrap()).unwrap())
        .env("PROFILES", std::env::current_dir().unwrap().join("hsm-config/profiles"))
        .output()
        .unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert_eq!(stdout.matches("refused").count(), 2, "{stdout}");
    assert_eq!(stdout.matches("C_Sign rule=1 CKR_DEVICE_ERROR before the call").count(), 2, "{stdout}");
    let log = std::fs::read_to_string(directory.path().join("serve.log")).unwrap();
    assert!(!log.contains("environment variables are not read"), "{log}");
}
