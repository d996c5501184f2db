//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use strongroom::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
