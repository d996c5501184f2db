//! Runs the example of `docs/faults.md` with another application.

use std::process::Command;

use crate::fixture::{faults, softhsm};

#[test]
fn example_with_another_application_runs() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/faults.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, rest) = page.split_once("\n```sh with another application\n").unwrap();
    let script = rest.split_once("\n```\n").unwrap().0;
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(&directory)
        .env("FAULTS", faults())
        .env("SOFTHSM", softhsm())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("The token has been initialized"), "{output:?}");
    assert!(text.trim_end().ends_with("C_Login rule=1 CKR_PIN_LOCKED before the call"), "{output:?}");
}
