//! Tests Azure's clients for JavaScript: the scenarios of `tests/clients/javascript`.

use std::path::Path;

use super::sandbox::{Sandbox, environment, install_clients};
use crate::support::Server;

const PAGE: &str = include_str!("../../docs/clients/javascript.md");

/// Returns a sandbox in which Node.js resolves the clients.
fn sandbox<'a>(server: &'a Server, clients: &Path) -> Sandbox<'a> {
    let sandbox = Sandbox::of(server);
    std::os::unix::fs::symlink(clients.join("node_modules"), sandbox.file("node_modules")).unwrap();
    sandbox
}

/// Copies a scenario into the sandbox.
fn copy(sandbox: &Sandbox<'_>, name: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/javascript").join(name);
    std::fs::copy(source, sandbox.file(name)).unwrap();
}

/// Runs a scenario.
async fn run_scenario(scenario: &str) {
    let clients = install_clients("javascript");
    let server = Server::start();
    let sandbox = sandbox(&server, &clients);
    copy(&sandbox, "clients.mjs");
    copy(&sandbox, scenario);
    let mut environment = environment(&server).await;
    environment.push(("NODE_EXTRA_CA_CERTS", server.connection().ca_file.to_str().unwrap().to_owned()));
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    sandbox.run(&clients.join("bin"), &format!("node {scenario}"), &environment);
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn key_client_works() {
    run_scenario("keys.mjs").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn cryptography_client_works() {
    run_scenario("cryptography.mjs").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn management_client_works() {
    run_scenario("management.mjs").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn vault_management_client_works() {
    run_scenario("vault_management.mjs").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn secret_client_works() {
    run_scenario("secrets.mjs").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn certificate_client_works() {
    run_scenario("certificates.mjs").await;
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn documented_example_runs() {
    let clients = install_clients("javascript");
    let server = Server::start();
    sandbox(&server, &clients).run_page(PAGE, ("js", "example.mjs"), &clients.join("bin"));
}
