//! `strongroom completions`: scripts for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::failure::Outcome;
use super::{Cli, Context, output};

/// Which script.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(_: &Context, args: &CompletionsArgs) -> Outcome {
    // Into memory first: the generator panics where a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "strongroom", &mut script);
    output::write_stdout(&script)
}
