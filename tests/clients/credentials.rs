//! Tests the credentials of `azure-identity` for Python and of `@azure/identity` in the environment that
//! `strongroom env` prints: the scenarios of `credentials.py` and `credentials.mjs` in `tests/clients`.

use std::path::Path;

use super::sandbox::{Sandbox, install_clients};
use crate::support::Server;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// Runs a scenario in both languages, in the environment that `strongroom env` prints with these options.
fn run_scenario(scenario: &str, options: &str) {
    let server = Server::start();
    let sandbox = Sandbox::of(&server);
    let other = server.directory().join("certificates/owner.pem");
    let program = env!("CARGO_BIN_EXE_strongroom");
    let setup = format!("eval \"$('{program}' --data-dir .strongroom env {options})\"");
    let run = |tools: &Path, line: &str| {
        let environment = [("OTHER_CERTIFICATE_PATH", other.to_str().unwrap())];
        sandbox.run(tools, &format!("{setup}\n{line}"), &environment);
    };
    run(
        &install_clients("python").join("bin"),
        &format!("python '{CLIENTS}/python/credentials.py' {scenario}"),
    );

    let clients = install_clients("javascript");
    std::os::unix::fs::symlink(clients.join("node_modules"), sandbox.file("node_modules")).unwrap();
    let script = sandbox.file("credentials.mjs");
    std::fs::copy(format!("{CLIENTS}/javascript/credentials.mjs"), script).unwrap();
    run(&clients.join("bin"), &format!("node credentials.mjs {scenario}"));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn client_secret_credential_authenticates() {
    run_scenario("secret", "");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn client_certificate_credential_authenticates() {
    run_scenario("certificate", "--certificate");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn managed_identity_credential_authenticates() {
    run_scenario("managed-identity", "--managed-identity");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn ad_fs_authority_needs_no_change_in_programs() {
    run_scenario("adfs 1", "--adfs");
    run_scenario("adfs 2", "--adfs --certificate");
}
