//! `strongroom secret`: the secrets of vaults

mod backup;
mod input;
mod read;
mod remove;
mod set;
mod target;
mod update;
mod view;

use clap::Subcommand;

use super::Context;
use super::failure::Outcome;

/// Subcommands of `strongroom secret`.
#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Store a value as a secret, as a new version if the secret exists
    Set(set::SetArgs),
    /// Show a secret with its value
    Show(read::ShowArgs),
    /// List the secrets, without values
    List,
    /// List the versions of a secret, oldest first and without values
    Versions(read::VersionsArgs),
    /// Update the content type, attributes or tags of a secret version; its value does not change
    Update(update::UpdateArgs),
    /// Back up a secret with all its versions, encrypted for vaults of the same subscription and geography
    Backup(backup::BackupArgs),
    /// Restore a secret from a backup
    Restore(backup::RestoreArgs),
    /// Delete a secret with all its versions; it can be recovered until it is purged
    Delete(remove::SecretArgs),
    /// List the deleted secrets
    ListDeleted,
    /// Show a deleted secret, without its value
    ShowDeleted(remove::DeletedSecretArgs),
    /// Recover a deleted secret
    Recover(remove::DeletedSecretArgs),
    /// Purge a deleted secret (irreversible)
    Purge(remove::DeletedSecretArgs),
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: SecretCommand) -> Outcome {
    match command {
        SecretCommand::Set(args) => set::run(context, args).await,
        SecretCommand::Show(args) => read::show(context, args).await,
        SecretCommand::List => read::list(context).await,
        SecretCommand::Versions(args) => read::versions(context, args).await,
        SecretCommand::Update(args) => update::run(context, args).await,
        SecretCommand::Backup(args) => backup::backup(context, args).await,
        SecretCommand::Restore(args) => backup::restore(context, args).await,
        SecretCommand::Delete(args) => remove::delete(context, args).await,
        SecretCommand::ListDeleted => remove::list(context).await,
        SecretCommand::ShowDeleted(args) => remove::show(context, args).await,
        SecretCommand::Recover(args) => remove::recover(context, args).await,
        SecretCommand::Purge(args) => remove::purge(context, args).await,
    }
}
