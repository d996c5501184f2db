//! `strongroom certificate`: the certificates of vaults

mod backup;
mod contacts;
mod create;
mod import;
mod issuer;
mod merge;
mod operation;
mod pem;
mod policy;
mod policy_document;
mod policy_options;
mod read;
mod remove;
mod target;
mod update;
mod view;

use clap::Subcommand;

use super::Context;
use super::failure::Outcome;

/// Subcommands of `strongroom certificate`.
#[derive(Debug, Subcommand)]
pub enum CertificateCommand {
    /// Create a certificate, or a new version if the certificate exists: self-signed, or a request to be signed elsewhere
    Create(Box<create::CreateArgs>),
    /// Import a certificate with its private key, as a new version if the certificate exists
    Import(import::ImportArgs),
    /// Merge the certificate that was issued for a request
    Merge(merge::MergeArgs),
    /// Show a certificate, or write it to a file
    Show(read::ShowArgs),
    /// List the certificates
    List(read::ListArgs),
    /// List the versions of a certificate, oldest first
    Versions(read::VersionsArgs),
    /// Enable or disable a certificate version with its key and secret, or replace its tags
    Update(update::UpdateArgs),
    /// Show and change the policy, by which new versions are made
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Show, cancel and delete the operation that creates a version, and write its request
    #[command(subcommand)]
    Operation(operation::OperationCommand),
    /// Show, set and delete the contacts of the certificates of a vault
    #[command(subcommand)]
    Contacts(contacts::ContactsCommand),
    /// Manage the issuers of the certificates of a vault
    #[command(subcommand)]
    Issuer(issuer::IssuerCommand),
    /// Back up a certificate with its key and secret, encrypted for vaults of the same subscription and geography
    Backup(backup::BackupArgs),
    /// Restore a certificate from a backup
    Restore(backup::RestoreArgs),
    /// Delete a certificate with all its versions, keys and secrets; it can be recovered until it is purged
    Delete(remove::CertificateArgs),
    /// List the deleted certificates
    ListDeleted,
    /// Show a deleted certificate
    ShowDeleted(remove::DeletedCertificateArgs),
    /// Recover a deleted certificate
    Recover(remove::DeletedCertificateArgs),
    /// Purge a deleted certificate (irreversible)
    Purge(remove::DeletedCertificateArgs),
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: CertificateCommand) -> Outcome {
    match command {
        CertificateCommand::Create(args) => create::run(context, *args).await,
        CertificateCommand::Import(args) => import::run(context, args).await,
        CertificateCommand::Merge(args) => merge::run(context, args).await,
        CertificateCommand::Show(args) => read::show(context, args).await,
        CertificateCommand::List(args) => read::list(context, args).await,
        CertificateCommand::Versions(args) => read::versions(context, args).await,
        CertificateCommand::Update(args) => update::run(context, args).await,
        CertificateCommand::Policy(command) => policy::run(context, command).await,
        CertificateCommand::Operation(command) => operation::run(context, command).await,
        CertificateCommand::Contacts(command) => contacts::run(context, command).await,
        CertificateCommand::Issuer(command) => issuer::run(context, command).await,
        CertificateCommand::Backup(args) => backup::backup(context, args).await,
        CertificateCommand::Restore(args) => backup::restore(context, args).await,
        CertificateCommand::Delete(args) => remove::delete(context, args).await,
        CertificateCommand::ListDeleted => remove::list(context).await,
        CertificateCommand::ShowDeleted(args) => remove::show(context, args).await,
        CertificateCommand::Recover(args) => remove::recover(context, args).await,
        CertificateCommand::Purge(args) => remove::purge(context, args).await,
    }
}
