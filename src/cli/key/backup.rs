//! `strongroom key backup` and `strongroom key restore`

use clap::Args;

use super::view::KeyView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::input::Source;
use crate::cli::names::KeyRef;
use crate::cli::output::RawOutput;

/// The key to back up.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// Name of the key
    #[arg(value_parser = KeyRef::parse_key)]
    name: KeyRef,
    /// File for the encrypted backup, or - for standard output
    #[arg(long, value_name = "FILE")]
    out: RawOutput,
}

/// The key to restore.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    /// File with the backup, or - for standard input; `az keyvault key backup` writes the same
    #[arg(value_name = "FILE")]
    backup: Source,
}

/// Backs up a key.
pub(super) async fn backup(context: &Context, args: BackupArgs) -> Outcome {
    let session = context.connect_to_key(Some(&args.name)).await?;
    let name = args.name.resource(session.container(), "keys")?;
    let reply = session.keys().backup_key(pb::BackupKeyRequest { name }).await?;
    args.out.write(&reply.into_inner().backup)
}

/// Restores a key.
pub(super) async fn restore(context: &Context, args: RestoreArgs) -> Outcome {
    let backup = args.backup.read()?.to_vec();
    let session = context.connect_to_key(None).await?;
    let request = pb::RestoreKeyRequest { parent: session.container_parent()?, backup };
    let key = KeyView::from(session.keys().restore_key(request).await?.into_inner());
    context.output.print(&key, || key.text())
}
