//! `strongroom manual`: writes manual pages, for packages.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::failure::{Failure, Outcome};
use super::{Cli, Context};

/// The output directory.
#[derive(Args, Clone, Debug)]
pub struct ManualArgs {
    /// Output directory; must exist
    directory: PathBuf,
}

/// Writes a page for every command that is not hidden.
pub(super) fn run(_: &Context, args: &ManualArgs) -> Outcome {
    clap_mangen::generate_to(Cli::command(), &args.directory)
        .map_err(|error| Failure::file(args.directory.display(), &error))
}
