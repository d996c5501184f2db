//! Counts the instructions of a signature, and fails if there are more than the limit.
//!
//! `make instructions` runs it in a debug build, whose counts the limits apply to, under Callgrind (Valgrind). Instructions are counted
//! on the thread of the benchmark, which runs surface and engine, and not on those of the token and of the ledger: SoftHSM's
//! cryptography is not what is guarded. The counts hardly differ from run to run, unlike times.

mod calls;
#[path = "../kit/contents.rs"]
mod contents;
#[path = "../kit/engine.rs"]
mod engine;
mod service;

use gungraun::{LibraryBenchmarkConfig, main};
use strongroom::token::softhsm::Directory;

use calls::signatures;

/// The variable with which SoftHSM finds its configuration.
fn with_softhsm() -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    if let Ok(directory) = Directory::prepare(&service::directory().join(engine::SOFTHSM)) {
        let (name, value) = directory.environment();
        config.env(name, value);
    }
    config
}

main!(config = with_softhsm(), library_benchmark_groups = signatures);
