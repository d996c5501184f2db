//! The credentials of `azure-identity` for Python, which are told what `strongroom env` prints: the scenarios of
//! `tests/clients/python/credentials.py`.

use super::place::{Place, installed};
use crate::support::Server;

/// Plays a scenario in the environment that is printed with these options.
fn play(scenario: &str, options: &str) {
    let tools = installed("python").join("bin");
    let server = Server::start();
    let program = env!("CARGO_BIN_EXE_strongroom");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/python/credentials.py");
    let lines =
        format!("eval \"$('{program}' --data-dir .strongroom env {options})\"\npython '{script}' {scenario}");
    let other = server.directory().join("certificates/owner.pem");
    Place::of(&server).run(&tools, &lines, &[("OTHER_CERTIFICATE_PATH", other.to_str().unwrap())]);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn secrets_sign_in() {
    play("secret", "");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn certificates_sign_in() {
    play("certificate", "--certificate");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn managed_identities_sign_in() {
    play("managed-identity", "--managed-identity");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn nothing_needs_to_change_in_a_program_that_is_told_of_an_ad_fs() {
    play("adfs 1", "--adfs");
    play("adfs 2", "--adfs --certificate");
}
