//! Tests Azure's clients for Rust: the scenarios of `tests/clients/rust`.

use super::sandbox::{Sandbox, environment, example, install_clients};
use crate::support::Server;

const PAGE: &str = include_str!("../../docs/clients/rust.md");
const EXAMPLE: &str = include_str!("rust/src/bin/example.rs");

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn key_client_works() {
    run_program("rust-clients").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn secret_client_works() {
    run_program("secrets").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn certificate_client_works() {
    run_program("certificates").await;
}

/// Runs a program on a new server.
async fn run_program(program: &str) {
    let programs = install_clients("rust").join("debug");
    let server = Server::start();
    let mut environment = environment(&server).await;
    environment.push(("SSL_CERT_FILE", server.connection().ca_file.to_str().unwrap().to_owned()));
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Sandbox::of(&server).run(&programs, program, &environment);
}

/// The documented program is already built, so `cargo` is replaced by a shell function that runs it.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn documented_example_runs() {
    assert_eq!(format!("{}\n", example(PAGE, "rust")), EXAMPLE);
    let programs = install_clients("rust").join("debug");
    let server = Server::start();
    let sandbox = Sandbox::of(&server);
    let lines = sandbox.with_port(example(PAGE, "sh"));
    sandbox.run(&programs, &format!("cargo() {{ example; }}\n{lines}"), &[]);
}
