//! Tests Azure's client for Rust: the scenario of `tests/clients/rust`.

use super::place::{Place, environment, example, installed};
use crate::support::Server;

const PAGE: &str = include_str!("../../../docs/clients/rust.md");
const EXAMPLE: &str = include_str!("../../clients/rust/src/bin/example.rs");

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn key_client_works() {
    let programs = installed("rust").join("debug");
    let server = Server::start();
    let mut environment = environment(&server).await;
    environment.push(("SSL_CERT_FILE", server.connection().ca_file.to_str().unwrap().to_owned()));
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Place::of(&server).run(&programs, "rust-clients", &environment);
}

/// The documented program is already built, so `cargo` is replaced by a shell function that runs it.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn documented_example_runs() {
    assert_eq!(format!("{}\n", example(PAGE, "rust")), EXAMPLE);
    let programs = installed("rust").join("debug");
    let server = Server::start();
    let sandbox = Place::of(&server);
    let lines = sandbox.with_port(example(PAGE, "sh"));
    sandbox.run(&programs, &format!("cargo() {{ example; }}\n{lines}"), &[]);
}
