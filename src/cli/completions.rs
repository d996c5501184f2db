//! `strongroom completions`: prints shell completion scripts.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::failure::Outcome;
use super::{Cli, Context, output};

/// Selects the shell.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    /// Shell of the script
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(_: &Context, args: &CompletionsArgs) -> Outcome {
    // Generate in memory first, since the generator panics on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "strongroom", &mut script);
    output::write_stdout(&script)
}
