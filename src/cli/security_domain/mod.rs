//! `strongroom security-domain`: downloads and uploads security domains, and works with their files offline.

mod download;
mod init_recovery;
mod inspect;
mod restore_blob;
mod status;
mod upload;

use clap::Subcommand;
use serde::Serialize;

use super::Context;
use super::failure::{Failure, Outcome};
use super::input::Source;
use crate::security_domain::{Error, SecurityDomain};

/// Subcommands of `strongroom security-domain`.
#[derive(Subcommand, Clone, Debug)]
pub enum SecurityDomainCommand {
    /// Download the security domain, encrypted for certificates; activates the HSM the first time
    Download(download::DownloadArgs),
    /// Store the certificate of the exchange key of an HSM that is not activated
    InitRecovery(init_recovery::InitRecoveryArgs),
    /// Upload the security domain of another HSM into one that is not activated, and activate it
    Upload(upload::UploadArgs),
    /// Show whether the security domain was downloaded or uploaded
    Status(status::StatusArgs),
    /// Show the quorum, certificates and data of a security domain file; needs no private key
    Inspect(inspect::InspectArgs),
    /// Decrypt a security domain file and encrypt it for the exchange key of another HSM, offline
    RestoreBlob(restore_blob::RestoreBlobArgs),
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: SecurityDomainCommand) -> Outcome {
    match command {
        SecurityDomainCommand::Download(args) => download::run(context, args).await,
        SecurityDomainCommand::InitRecovery(args) => init_recovery::run(context, args).await,
        SecurityDomainCommand::Upload(args) => upload::run(context, args).await,
        SecurityDomainCommand::Status(args) => status::run(context, args).await,
        SecurityDomainCommand::Inspect(args) => inspect::run(context, &args),
        SecurityDomainCommand::RestoreBlob(args) => restore_blob::run(&args),
    }
}

/// The result of an upload.
#[derive(Serialize)]
struct Uploaded {
    name: String,
    uploaded: bool,
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
