//! What deleted keys cost while they wait, and when they go: start-up, memory, idling, and a purge of many at once.
//!
//! `make bench BENCH=retention` prints a table with a line for each number of deleted keys in the store; what is due is
//! the same in each, so that the cost of a purge can be seen to follow what is due and not what is stored. The store,
//! the engine and the scheduler are the real ones. The token is a real one, too, but holds no objects: making a million
//! takes a day. It is asked to destroy what it does not have.

mod fill;
mod measure;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use clap::Parser;
use strongroom::token::softhsm::Directory;

use measure::Measured;

/// Measures what deleted keys cost.
#[derive(Parser)]
struct Arguments {
    /// How many deleted keys there are; a line of the table for each number
    #[arg(long, value_delimiter = ',', default_value = "20000,1000000")]
    keys: Vec<usize>,
    /// How many of them come due at once
    #[arg(long, default_value_t = 10_000)]
    due: usize,
    /// Be the process that fills the store in this directory
    #[arg(long, hide = true)]
    fill: Option<PathBuf>,
    /// Be the process that is measured, with the store in this directory
    #[arg(long, hide = true)]
    measure: Option<PathBuf>,
    /// Said by cargo
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
        return say(&serde_json::to_string(&measured)?);
    }
    say(&format!("{} deleted keys come due at once, of", arguments.due))?;
    say(Measured::HEADING)?;
    for keys in arguments.keys {
        let directory = tempfile::tempdir()?;
        let run = |role: &str| -> anyhow::Result<Vec<u8>> {
            let (variable, value) = Directory::prepare(&directory.path().join("softhsm"))?.environment();
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
        let measured: Measured = serde_json::from_slice(&run("--measure")?).context("what was measured")?;
        say(&measured.line(keys))?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn say(line: &str) -> anyhow::Result<()> {
    println!("{line}");
    Ok(())
}
