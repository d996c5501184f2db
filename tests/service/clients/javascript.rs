//! Azure's clients for JavaScript: the scenarios of `tests/clients/javascript`.

use std::path::Path;

use super::place::{Place, environment, installed};
use crate::support::Server;

const PAGE: &str = include_str!("../../../docs/clients/javascript.md");

/// A place in which programs find the clients.
fn place<'a>(server: &'a Server, clients: &Path) -> Place<'a> {
    let place = Place::of(server);
    std::os::unix::fs::symlink(clients.join("node_modules"), place.file("node_modules")).unwrap();
    place
}

/// Puts a scenario where it finds the clients.
fn copy(place: &Place<'_>, name: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/javascript").join(name);
    std::fs::copy(source, place.file(name)).unwrap();
}

/// Plays a scenario.
async fn play(scenario: &str) {
    let clients = installed("javascript");
    let server = Server::start();
    let place = place(&server, &clients);
    copy(&place, "clients.mjs");
    copy(&place, scenario);
    let mut environment = environment(&server).await;
    environment.push(("NODE_EXTRA_CA_CERTS", server.connection().ca_file.to_str().unwrap().to_owned()));
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    place.run(&clients.join("bin"), &format!("node {scenario}"), &environment);
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn key_client_works() {
    play("keys.mjs").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn cryptography_client_works() {
    play("cryptography.mjs").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn management_client_works() {
    play("management.mjs").await;
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn documented_example_runs() {
    let clients = installed("javascript");
    let server = Server::start();
    place(&server, &clients).follow(PAGE, ("js", "example.mjs"), &clients.join("bin"));
}
