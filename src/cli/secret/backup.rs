//! `strongroom secret backup` and `strongroom secret restore`

use clap::Args;

use super::target::SecretRef;
use super::view::SecretView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::input::Source;
use crate::cli::output::RawOutput;

/// The secret to back up.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// Name of the secret
    #[arg(value_parser = SecretRef::parse_live)]
    name: SecretRef,
    /// File for the encrypted backup, or - for standard output
    #[arg(long, value_name = "FILE")]
    out: RawOutput,
}

/// The secret to restore.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    /// File with the backup, or - for standard input
    #[arg(value_name = "FILE")]
    backup: Source,
}

/// Backs up a secret.
pub(super) async fn backup(context: &Context, args: BackupArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let name = args.name.live(session.vault())?;
    let reply = session.secrets().backup_secret(pb::BackupSecretRequest { name }).await?;
    args.out.write(&reply.into_inner().backup)
}

/// Restores a secret.
pub(super) async fn restore(context: &Context, args: RestoreArgs) -> Outcome {
    let backup = args.backup.read()?.to_vec();
    let session = context.connect_vault().await?;
    let request = pb::RestoreSecretRequest { parent: session.vault_parent()?, backup };
    let secret = SecretView::from(session.secrets().restore_secret(request).await?.into_inner());
    context.output.print(&secret, || secret.text())
}
