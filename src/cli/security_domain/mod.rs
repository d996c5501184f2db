//! `strongroom security-domain`: shows and restores security domain files. Needs the files only, not a running service.

mod inspect;
mod restore_blob;

use clap::Subcommand;

use super::Context;
use super::failure::{Failure, Outcome};
use super::input::Source;
use crate::security_domain::{Error, SecurityDomain};

/// Subcommands of `strongroom security-domain`.
#[derive(Subcommand, Clone, Debug)]
pub enum SecurityDomainCommand {
    /// Show the quorum, certificates and data of a security domain file; needs no private key
    Inspect(inspect::InspectArgs),
    /// Decrypt a security domain file and encrypt it for the exchange key of another HSM, offline
    RestoreBlob(restore_blob::RestoreBlobArgs),
}

/// Runs the subcommand.
pub(super) fn run(context: &Context, command: &SecurityDomainCommand) -> Outcome {
    match command {
        SecurityDomainCommand::Inspect(args) => inspect::run(context, args),
        SecurityDomainCommand::RestoreBlob(args) => restore_blob::run(args),
    }
}

/// Reads a file, and parses its text.
fn read<T>(source: &Source, parse: impl FnOnce(&str) -> Result<T, Error>) -> Outcome<T> {
    let bytes = source.read()?;
    let text = std::str::from_utf8(&bytes.0).map_err(|_| Failure::problem(format!("{source}: not UTF-8")))?;
    parse(text).map_err(|error| Failure::problem(format!("{source}: {error}")))
}

/// Reads a security domain file.
fn read_domain(source: &Source) -> Outcome<SecurityDomain> {
    read(source, SecurityDomain::parse)
}
