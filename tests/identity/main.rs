//! Tests authentication, and the simulator's authority, with access tokens and certificates of other implementations,
//! over sockets and files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod assertions;
mod authority;
mod certificates;
mod graph;
mod keys;
mod managed_identity;
mod server_certificates;
mod support;
mod tokens;
mod vault_access;
