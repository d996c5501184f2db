//! `strongroom certificate backup` and `strongroom certificate restore`

use clap::Args;

use super::target::CertificateRef;
use super::view::CertificateView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::input::Source;
use crate::cli::output::RawOutput;

/// The certificate to back up.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// Name of the certificate
    #[arg(value_parser = CertificateRef::parse_live)]
    name: CertificateRef,
    /// File for the encrypted backup, or - for standard output
    #[arg(long, value_name = "FILE")]
    out: RawOutput,
}

/// The certificate to restore.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    /// File with the backup, or - for standard input
    #[arg(value_name = "FILE")]
    backup: Source,
}

/// Backs up a certificate.
pub(super) async fn backup(context: &Context, args: BackupArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let name = args.name.live(session.vault())?;
    let reply = session.certificates().backup_certificate(pb::BackupCertificateRequest { name }).await?;
    args.out.write(&reply.into_inner().backup)
}

/// Restores a certificate.
pub(super) async fn restore(context: &Context, args: RestoreArgs) -> Outcome {
    let backup = args.backup.read()?.to_vec();
    let session = context.connect_vault().await?;
    let request = pb::RestoreCertificateRequest { parent: session.vault_parent()?, backup };
    let reply = session.certificates().restore_certificate(request).await?;
    let certificate = CertificateView::from(reply.into_inner());
    context.output.print(&certificate, || certificate.text())
}
