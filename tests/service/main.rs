//! End-to-end tests of the service: a separate server process, TLS, gRPC and REST clients, a SoftHSM token.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a failed precondition fails the test; tests wait for the server process and print measurements"
)]

mod aes_modes;
mod ambiguous_commit;
mod arm;
mod audit;
mod authority;
mod calls;
mod cli;
mod clients;
mod compression;
mod connections;
mod control;
mod crash;
mod credentials;
#[path = "../kit/directory.rs"]
mod directory;
mod examples;
mod gateway;
mod health;
mod hsms;
mod isolation;
mod lifecycle;
mod long;
mod malformed;
mod messages;
mod model;
mod ops;
mod prepared;
mod races;
mod raw;
mod request_bodies;
mod requests;
mod rest;
mod restart;
mod retention;
mod roles;
mod rotation;
mod service_manager;
mod software;
mod support;
mod tokens;
mod tour;
mod transport;
mod usage;
