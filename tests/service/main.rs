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
mod batches;
mod before_soft_delete;
mod calls;
mod certificates;
mod cli;
mod compression;
mod connections;
mod console;
mod control;
mod crash;
mod credentials;
mod examples;
mod full_backups;
mod gateway;
mod grpc_web;
mod health;
mod held_storage;
mod host_faults;
mod hsms;
mod identity_storage;
mod isolation;
mod key_backups;
#[path = "../kit/mod.rs"]
mod kit;
mod lifecycle;
mod long;
mod malformed;
mod model;
mod ops;
mod overload;
mod pipeline;
mod races;
mod raw;
mod request_bodies;
mod requests;
mod rest;
mod restart;
mod retention;
mod roles;
mod rotation;
mod secrets;
mod security_domains;
mod seeded_vaults;
mod service_manager;
mod soak;
mod software;
mod throttling;
mod token_faults;
mod tokens;
mod top;
mod tour;
mod traces;
mod transport;
mod usage;
mod vault_access;
mod vault_keys;
mod vault_matrix;
mod vaults;
mod worker_processes;

use kit::{access_tokens, directory, messages, postgres, prepared, support};
