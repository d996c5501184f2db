//! Measures the cost of deleted keys: start-up time, memory, idle processor time, and purging many at once.
//!
//! `make bench BENCH=retention` prints a table with a line for each number of deleted keys in the store. The number of
//! due purges is the same in each, to show that the cost of a purge does not depend on the number of stored keys.
//! Store, engine, scheduler and token are those of the service, but the token holds no objects, since generating a
//! million keys takes a day: destroying a missing object succeeds.

#[path = "../kit/contents.rs"]
mod contents;
#[path = "../kit/engine.rs"]
mod engine;
mod fill;
mod measure;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use clap::Parser;
use strongroom::token::softhsm::Directory;

use measure::Measurement;

/// Measures the cost of deleted keys.
#[derive(Parser)]
struct Arguments {
    /// Number of deleted keys; the table has a line for each value
    #[arg(long, value_delimiter = ',', default_value = "20000,1000000")]
    keys: Vec<usize>,
    /// Number of keys that are due for purging at the same time
    #[arg(long, default_value_t = 10_000)]
    due: usize,
    /// Run as the child process that fills the store in this directory
    #[arg(long, hide = true)]
    fill: Option<PathBuf>,
    /// Run as the measured child process, with the store in this directory
    #[arg(long, hide = true)]
    measure: Option<PathBuf>,
    /// Passed by cargo bench, ignored
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let keys = arguments.keys.first().copied().unwrap_or_default();
    if let Some(directory) = &arguments.fill {
        return runtime.block_on(fill::fill(directory, keys, arguments.due));
    }
    if let Some(directory) = &arguments.measure {
        let measured = runtime.block_on(measure::measure(directory, arguments.due))?;
        return print_line(&serde_json::to_string(&measured)?);
    }
    print_line(&format!("{} deleted keys are due at the same time, of", arguments.due))?;
    print_line(Measurement::HEADING)?;
    for keys in arguments.keys {
        let directory = tempfile::tempdir()?;
        let run = |role: &str| -> anyhow::Result<Vec<u8>> {
            let (variable, value) =
                Directory::prepare(&directory.path().join(engine::SOFTHSM))?.environment();
            let output = Command::new(std::env::current_exe()?)
                .args([role, &directory.path().to_string_lossy(), "--keys", &keys.to_string()])
                .args(["--due", &arguments.due.to_string()])
                .env(variable, value)
                .stderr(std::process::Stdio::inherit())
                .output()?;
            anyhow::ensure!(output.status.success(), "{role} failed");
            Ok(output.stdout)
        };
        run("--fill")?;
        let measured: Measurement =
            serde_json::from_slice(&run("--measure")?).context("parsing the measurement")?;
        print_line(&measured.line(keys))?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn print_line(line: &str) -> anyhow::Result<()> {
    println!("{line}");
    Ok(())
}
