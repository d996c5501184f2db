//! `strongroom key`: key management and cryptographic operations.

mod attributes;
mod backup;
mod batch;
mod cipher;
mod create;
mod import;
mod previous_result;
mod read;
mod remove;
mod rotation;
mod sign;
mod update;
mod verify;
mod view;
mod wrap;

use clap::Subcommand;

pub(super) use attributes::{tag, tags};

use super::Context;
use super::failure::Outcome;

/// Subcommands of `strongroom key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Generate a key, or a new version if the key exists
    Create(create::CreateArgs),
    /// Import a private or secret key, as a new version if the key exists
    Import(import::ImportArgs),
    /// Show a key
    Show(read::ShowArgs),
    /// List the keys
    List,
    /// List the versions of a key, oldest first
    Versions(read::VersionsArgs),
    /// Update the operations, attributes or tags of a key version
    Update(update::UpdateArgs),
    /// Rotate a key: generate a new version like the current one; in a managed HSM, requires a rotation policy
    Rotate(remove::KeyArgs),
    /// Show and set the rotation policy of a key
    #[command(subcommand)]
    RotationPolicy(rotation::PolicyCommand),
    /// Back up a key with all its versions, encrypted for HSMs with the same security domain or for vaults of the same subscription and geography
    Backup(backup::BackupArgs),
    /// Restore a key from a backup
    Restore(backup::RestoreArgs),
    /// Delete a key with all its versions; it can be recovered until it is purged
    Delete(remove::KeyArgs),
    /// List the deleted keys
    ListDeleted,
    /// Show a deleted key
    ShowDeleted(remove::DeletedKeyArgs),
    /// Recover a deleted key
    Recover(remove::DeletedKeyArgs),
    /// Purge a deleted key (irreversible)
    Purge(remove::DeletedKeyArgs),
    /// Sign a file or a digest
    Sign(sign::SignArgs),
    /// Verify a signature; exit code is 1 if it is invalid
    Verify(verify::VerifyArgs),
    /// Encrypt data
    Encrypt(cipher::EncryptArgs),
    /// Decrypt data, given raw or as the JSON output of `key encrypt`
    Decrypt(cipher::DecryptArgs),
    /// Wrap a symmetric key
    Wrap(wrap::WrapArgs),
    /// Unwrap a symmetric key, given raw or as the JSON output of `key wrap`
    Unwrap(wrap::UnwrapArgs),
    /// Sign, verify, encrypt, decrypt, wrap or unwrap the values on the lines of a file
    #[command(subcommand)]
    Batch(batch::BatchCommand),
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: KeyCommand) -> Outcome {
    match command {
        KeyCommand::Create(args) => create::run(context, args).await,
        KeyCommand::Import(args) => import::run(context, args).await,
        KeyCommand::Show(args) => read::show(context, args).await,
        KeyCommand::List => read::list(context).await,
        KeyCommand::Versions(args) => read::versions(context, args).await,
        KeyCommand::Update(args) => update::run(context, args).await,
        KeyCommand::Rotate(args) => rotation::rotate(context, args).await,
        KeyCommand::RotationPolicy(command) => rotation::policy(context, command).await,
        KeyCommand::Backup(args) => backup::backup(context, args).await,
        KeyCommand::Restore(args) => backup::restore(context, args).await,
        KeyCommand::Delete(args) => remove::delete(context, args).await,
        KeyCommand::ListDeleted => remove::list(context).await,
        KeyCommand::ShowDeleted(args) => remove::show(context, args).await,
        KeyCommand::Recover(args) => remove::recover(context, args).await,
        KeyCommand::Purge(args) => remove::purge(context, args).await,
        KeyCommand::Sign(args) => sign::run(context, args).await,
        KeyCommand::Verify(args) => verify::run(context, args).await,
        KeyCommand::Encrypt(args) => cipher::encrypt(context, args).await,
        KeyCommand::Decrypt(args) => cipher::decrypt(context, args).await,
        KeyCommand::Wrap(args) => wrap::wrap(context, args).await,
        KeyCommand::Unwrap(args) => wrap::unwrap(context, args).await,
        KeyCommand::Batch(command) => batch::run(context, command).await,
    }
}
