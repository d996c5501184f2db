//! `strongroom certificate delete`, and the commands for deleted certificates

use clap::Args;

use super::target::CertificateRef;
use super::view::{CertificateView, DeletedCertificateView};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::container::Purged;
use crate::cli::failure::Outcome;

/// Selects a certificate.
#[derive(Args, Clone, Debug)]
pub struct CertificateArgs {
    /// Name of the certificate
    #[arg(value_parser = CertificateRef::parse_live)]
    pub(super) name: CertificateRef,
}

/// Selects a deleted certificate.
#[derive(Args, Clone, Debug)]
pub struct DeletedCertificateArgs {
    /// Name of the deleted certificate
    #[arg(value_parser = CertificateRef::parse_deleted)]
    name: CertificateRef,
}

/// Deletes a certificate.
pub(super) async fn delete(context: &Context, args: CertificateArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let name = args.name.live(session.vault())?;
    let reply = session.certificates().delete_certificate(pb::DeleteCertificateRequest { name }).await?;
    let certificate = DeletedCertificateView::from(reply.into_inner());
    context.output.print(&certificate, || certificate.text())
}

/// Lists the deleted certificates, from all pages.
pub(super) async fn list(context: &Context) -> Outcome {
    let session = context.connect_vault().await?;
    let mut service = session.certificates();
    let mut request =
        pb::ListDeletedCertificatesRequest { parent: session.vault_parent()?, ..Default::default() };
    let mut rows: Vec<DeletedCertificateView> = Vec::new();
    loop {
        let page = service.list_deleted_certificates(request.clone()).await?.into_inner();
        rows.extend(page.deleted_certificates.into_iter().map(DeletedCertificateView::from));
        if page.next_page_token.is_empty() {
            let empty = format!("{} has no deleted certificates", request.parent);
            return context.output.print_list(&rows, &empty);
        }
        request.page_token = page.next_page_token;
    }
}

/// Shows a deleted certificate.
pub(super) async fn show(context: &Context, args: DeletedCertificateArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let request = pb::GetDeletedCertificateRequest { name: args.name.deleted(session.vault())? };
    let reply = session.certificates().get_deleted_certificate(request).await?;
    let certificate = DeletedCertificateView::from(reply.into_inner());
    context.output.print(&certificate, || certificate.text())
}

/// Recovers a deleted certificate.
pub(super) async fn recover(context: &Context, args: DeletedCertificateArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let request = pb::RecoverDeletedCertificateRequest { name: args.name.deleted(session.vault())? };
    let reply = session.certificates().recover_deleted_certificate(request).await?;
    let certificate = CertificateView::from(reply.into_inner());
    context.output.print(&certificate, || certificate.text())
}

/// Purges a deleted certificate.
pub(super) async fn purge(context: &Context, args: DeletedCertificateArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let name = args.name.deleted(session.vault())?;
    let request = pb::PurgeDeletedCertificateRequest { name: name.clone() };
    session.certificates().purge_deleted_certificate(request).await?;
    let text = format!("purged {name}");
    context.output.print_value(&Purged { name, purged: true }, &text)
}
