//! `strongroom manual`: manual pages, for packages.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::failure::{Failure, Outcome};
use super::{Cli, Context};

/// Where to.
#[derive(Args, Clone, Debug)]
pub struct ManualArgs {
    /// The directory; it must be there
    directory: PathBuf,
}

/// Writes a page for every command that is shown in the help.
pub(super) fn run(_: &Context, args: &ManualArgs) -> Outcome {
    clap_mangen::generate_to(Cli::command(), &args.directory)
        .map_err(|error| Failure::file(args.directory.display(), &error))
}
