//! Measures full backups and restores of an HSM, and compares them with the token's own wrapping and unwrapping.
//!
//! `make bench BENCH=backup` prints a table with a column for each number of keys, which `docs/performance.md` explains.
//! Each column has a simulator of its own, and a child of this program that uses SoftHSM directly through `cryptoki`.

#[path = "../kit/machine.rs"]
mod machine;
mod raw;
mod service;
#[path = "../kit/simulator.rs"]
mod simulator;
#[path = "../kit/softhsm.rs"]
mod softhsm;
mod table;

use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;

use table::Column;

/// Measures full backups.
#[derive(Parser)]
struct Arguments {
    /// Number of P-256 keys, at most 5000, which is the limit of an HSM; the table has a column for each value
    #[arg(long, value_delimiter = ',', default_value = "500,2000")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=5000))]
    keys: Vec<u32>,
    /// Measure this program, for example an earlier version, instead of the one just built
    #[arg(long, default_value = env!("CARGO_BIN_EXE_strongroom"), hide_default_value = true)]
    program: PathBuf,
    /// Run as the child process that uses the token that SoftHSM's environment variable names
    #[arg(long, hide = true)]
    token: bool,
    /// Passed by cargo bench, ignored
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.token {
        return raw::measure(arguments.keys.first().copied().unwrap_or_default());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(&arguments))
}

async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let (started, machine) = (Instant::now(), machine::describe()?);
    let mut columns = Vec::new();
    for keys in &arguments.keys {
        let token = raw::run(*keys)?;
        columns.push(Column { token, service: service::measure(&arguments.program, *keys).await? });
    }
    table::print(&machine, &columns, started.elapsed())
}
