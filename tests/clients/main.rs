//! Tests with Microsoft's clients, unmodified and from their registries, in separate processes. Each resolves the host
//! names of real deployments, verifies TLS, and verifies the authentication challenge. And tests of the web console, with a
//! browser.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a failed precondition fails the test; tests wait for processes"
)]

mod airflow;
mod az;
mod blob_storage;
mod console;
mod credentials;
mod drop_in;
mod javascript;
#[path = "../kit/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of the service use the rest of the kit")]
mod kit;
mod metrics;
mod python;
mod rust;
mod sandbox;

use kit::{access_tokens, directory, messages, postgres, prepared, support};
