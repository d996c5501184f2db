//! `strongroom certificate merge`

use clap::{ArgAction, Args};

use super::pem::certificates;
use super::target::CertificateRef;
use super::view::CertificateView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::input::Source;
use crate::cli::key::{tag, tags};

/// The certificates to merge.
#[derive(Args, Clone, Debug)]
pub struct MergeArgs {
    /// Name of the certificate
    #[arg(value_parser = CertificateRef::parse_live)]
    name: CertificateRef,
    /// File with the issued certificate, and those of its issuers, in PEM or DER; - for standard input (repeatable)
    #[arg(long = "file", value_name = "FILE", required = true)]
    files: Vec<Source>,
    /// Tag (repeatable); the tags replace those of the creation
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Enable or disable the version [default: as requested at its creation]
    #[arg(long, action = ArgAction::Set, value_name = "true|false")]
    enabled: Option<bool>,
}

/// Merges a certificate.
pub(super) async fn run(context: &Context, args: MergeArgs) -> Outcome {
    let tags = tags(&args.tags)?;
    let mut x5c = Vec::new();
    for source in &args.files {
        x5c.extend(certificates(&source.read()?.0).map_err(|failure| failure.within(source))?);
    }
    let session = context.connect_vault().await?;
    let request = pb::MergeCertificateRequest {
        name: args.name.live(session.vault())?,
        x5c,
        attributes: Some(pb::CertificateAttributes { enabled: args.enabled }),
        tags,
    };
    let reply = session.certificates().merge_certificate(request).await?;
    let certificate = CertificateView::from(reply.into_inner());
    context.output.print(&certificate, || certificate.text())
}
