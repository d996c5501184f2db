//! Tests Azure's clients for Python, synchronous and asynchronous: the scenarios of `tests/clients/python`.

use super::sandbox::{Sandbox, create_vault, environment, install_clients};
use crate::support::Server;

const PAGE: &str = include_str!("../../docs/clients/python.md");

/// Runs a scenario on a new server.
async fn run_scenario(scenario: &str, flavour: &str) {
    let server = Server::start();
    run_on(&server, environment(&server).await, scenario, flavour);
}

/// Runs a scenario on a server. Of the variables that name a CA bundle, only the documented one is set.
pub(super) fn run_on(
    server: &Server,
    mut environment: Vec<(&'static str, String)>,
    scenario: &str,
    flavour: &str,
) {
    let tools = install_clients("python").join("bin");
    let bundle = if flavour == "async" { "SSL_CERT_FILE" } else { "REQUESTS_CA_BUNDLE" };
    environment.push(("STRONGROOM_PROGRAM", env!("CARGO_BIN_EXE_strongroom").to_owned()));
    environment.push((bundle, server.connection().ca_file.to_str().unwrap().to_owned()));
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let line =
        format!("python '{}/tests/clients/python/{scenario}.py' {flavour}", env!("CARGO_MANIFEST_DIR"));
    Sandbox::of(server).run(&tools, &line, &environment);
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn key_client_works() {
    run_scenario("keys", "sync").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn asynchronous_key_client_works() {
    run_scenario("keys", "async").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn cryptography_client_works() {
    run_scenario("cryptography_client", "sync").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn asynchronous_cryptography_client_works() {
    run_scenario("cryptography_client", "async").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn administration_client_works() {
    run_scenario("administration", "sync").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn asynchronous_administration_client_works() {
    run_scenario("administration", "async").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn security_domain_client_works() {
    run_scenario("security_domain", "sync").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn asynchronous_security_domain_client_works() {
    run_scenario("security_domain", "async").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn management_client_works() {
    run_scenario("management", "sync").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn asynchronous_management_client_works() {
    run_scenario("management", "async").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn vault_management_client_works() {
    for flavour in ["sync", "async"] {
        run_scenario("vault_management", flavour).await;
    }
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn secret_client_works() {
    run_with_two_vaults("secrets_client", "sync").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn asynchronous_secret_client_works() {
    run_with_two_vaults("secrets_client", "async").await;
}

/// Runs a scenario on a new server, whose vaults `demo` and `contoso` are in one subscription and geography.
async fn run_with_two_vaults(scenario: &str, flavour: &str) {
    let server = Server::start();
    create_vault(&server, "contoso").await;
    run_on(&server, environment(&server).await, scenario, flavour);
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn key_client_works_with_vaults() {
    for flavour in ["sync", "async"] {
        run_scenario("vault_keys", flavour).await;
    }
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn certificate_client_works() {
    for flavour in ["sync", "async"] {
        run_scenario("certificates_client", flavour).await;
    }
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn pydantic_reads_settings_from_secrets() {
    run_scenario("settings_source", "sync").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn mongodb_driver_wraps_data_keys_with_hsm_keys() {
    run_scenario("mongodb", "sync").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn msrestazure_reads_cloud_endpoints() {
    run_scenario("first_cloud", "sync").await;
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn documented_example_runs() {
    let tools = install_clients("python").join("bin");
    let server = Server::start();
    Sandbox::of(&server).run_page(PAGE, ("python", "example.py"), &tools);
}
