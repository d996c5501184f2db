//! The credentials of `azure-identity` for Python and of `@azure/identity`, which are told what `strongroom env` prints:
//! the scenarios of `credentials.py` and `credentials.mjs` in `tests/clients`.

use std::path::Path;

use super::place::{Place, installed};
use crate::support::Server;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// Plays a scenario in both languages, in the environment that is printed with these options.
fn play(scenario: &str, options: &str) {
    let server = Server::start();
    let place = Place::of(&server);
    let other = server.directory().join("certificates/owner.pem");
    let program = env!("CARGO_BIN_EXE_strongroom");
    let told = format!("eval \"$('{program}' --data-dir .strongroom env {options})\"");
    let run = |tools: &Path, line: &str| {
        let environment = [("OTHER_CERTIFICATE_PATH", other.to_str().unwrap())];
        place.run(tools, &format!("{told}\n{line}"), &environment);
    };
    run(&installed("python").join("bin"), &format!("python '{CLIENTS}/python/credentials.py' {scenario}"));

    let clients = installed("javascript");
    std::os::unix::fs::symlink(clients.join("node_modules"), place.file("node_modules")).unwrap();
    let script = place.file("credentials.mjs");
    std::fs::copy(format!("{CLIENTS}/javascript/credentials.mjs"), script).unwrap();
    run(&clients.join("bin"), &format!("node credentials.mjs {scenario}"));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn client_secret_credential_authenticates() {
    play("secret", "");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn client_certificate_credential_authenticates() {
    play("certificate", "--certificate");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn managed_identity_credential_authenticates() {
    play("managed-identity", "--managed-identity");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn ad_fs_authority_needs_no_change_in_programs() {
    play("adfs 1", "--adfs");
    play("adfs 2", "--adfs --certificate");
}
