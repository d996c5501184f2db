//! `strongroom certificate show`, `list` and `versions`

use clap::Args;

use super::pem::FileFormat;
use super::target::{CertificateRef, CertificateTarget};
use super::view::{CertificateView, VersionView};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::RawOutput;

/// Selects a certificate or certificate version.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    target: CertificateTarget,
    /// Write the certificate, without private key, to a file, or to standard output for -
    #[arg(long, value_name = "FILE")]
    out: Option<RawOutput>,
    /// Format of the file
    #[arg(long, value_enum, default_value_t = FileFormat::Pem, requires = "out")]
    format: FileFormat,
}

/// Selects the certificates.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Include certificates whose first version is not issued yet
    #[arg(long)]
    include_pending: bool,
}

/// Selects the certificate.
#[derive(Args, Clone, Debug)]
pub struct VersionsArgs {
    /// Name of the certificate
    #[arg(value_parser = CertificateRef::parse_live)]
    name: CertificateRef,
}

/// Shows one version of a certificate, or writes it to a file.
pub(super) async fn show(context: &Context, args: ShowArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let name = args.target.resolve(session.vault())?.to_string();
    let request = pb::GetCertificateRequest { name };
    let bundle = session.certificates().get_certificate(request).await?.into_inner();
    match args.out {
        Some(_) if bundle.certificate.is_empty() => {
            Err(Failure::problem(format!("{} is not issued yet", bundle.name))
                .hint("`certificate operation show` shows its state"))
        }
        Some(out) => out.write(&args.format.encode("CERTIFICATE", &bundle.certificate)),
        None => {
            let certificate = CertificateView::from(bundle);
            context.output.print(&certificate, || certificate.text())
        }
    }
}

/// Lists the certificates, from all pages.
pub(super) async fn list(context: &Context, args: ListArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let mut service = session.certificates();
    let mut request = pb::ListCertificatesRequest {
        parent: session.vault_parent()?,
        include_pending: args.include_pending,
        ..Default::default()
    };
    let mut rows: Vec<CertificateView> = Vec::new();
    loop {
        let page = service.list_certificates(request.clone()).await?.into_inner();
        rows.extend(page.certificates.into_iter().map(CertificateView::from));
        if page.next_page_token.is_empty() {
            return context.output.print_list(&rows, &format!("{} has no certificates", request.parent));
        }
        request.page_token = page.next_page_token;
    }
}

/// Lists the versions of a certificate, from all pages.
pub(super) async fn versions(context: &Context, args: VersionsArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let mut service = session.certificates();
    let parent = args.name.live(session.vault())?;
    let mut request = pb::ListCertificateVersionsRequest { parent, ..Default::default() };
    let mut rows: Vec<VersionView> = Vec::new();
    loop {
        let page = service.list_certificate_versions(request.clone()).await?.into_inner();
        rows.extend(page.versions.into_iter().map(|version| VersionView(version.into())));
        if page.next_page_token.is_empty() {
            return context.output.print_list(&rows, &format!("{} has no versions", request.parent));
        }
        request.page_token = page.next_page_token;
    }
}
