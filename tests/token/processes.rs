//! Tests the token module with worker processes: the tests of threads that apply to both, and those of processes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it goes wrong")]
#![expect(clippy::print_stdout, reason = "long runs print what they did")]

mod cipher;
#[path = "../kit/directory.rs"]
mod directory;
mod fixture;
mod import;
mod key_backup;
mod lifecycle;
mod pool;
mod sign;
mod workers;

/// Calls run in worker processes.
const PROCESSES: bool = true;
