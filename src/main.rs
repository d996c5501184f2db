//! Entry point: parses the command line, runs the command and returns its exit code.

use std::process::ExitCode;

use clap::Parser;
use strongroom::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse())
}
