//! The service as its users meet it: a real process, real TLS and gRPC, a real token.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test that cannot go on fails; what is real is waited for, and what was measured is said"
)]

mod aes_modes;
mod arm;
mod audit;
mod authority;
mod bill;
mod calls;
mod cli;
mod clients;
mod compression;
mod connections;
mod control;
mod crash;
mod credentials;
mod doubt;
mod examples;
mod gateway;
mod health;
mod hsms;
mod intake;
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
