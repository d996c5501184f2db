//! Tests the token module with a real SoftHSM, and verifies results with independent implementations.
//!
//! Each test needs its own process (cargo-nextest), since a PKCS#11 module is loaded once per process.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod batch;
mod cipher;
#[path = "../kit/directory.rs"]
mod directory;
mod engine;
mod faults;
mod fixture;
mod import;
mod key_backup;
mod lifecycle;
mod pool;
mod sign;
mod sweeper;

/// Calls run in threads of the test.
const PROCESSES: bool = false;
