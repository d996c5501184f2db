//! `strongroom certificate update`

use clap::{ArgAction, Args};

use super::target::CertificateTarget;
use super::view::CertificateView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::key::{tag, tags};

/// A certificate version and its changes.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    target: CertificateTarget,
    #[command(flatten)]
    changes: Changes,
}

/// The changes. Other fields keep their values.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Enable or disable the version; the key of a disabled one cannot be used, and its secret cannot be read
    #[arg(long, action = ArgAction::Set, value_name = "true|false")]
    enabled: Option<bool>,
    /// Tag (repeatable); replaces all existing tags
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Remove all tags
    #[arg(long, conflicts_with = "tags")]
    clear_tags: bool,
}

/// Updates a certificate version.
pub(super) async fn run(context: &Context, args: UpdateArgs) -> Outcome {
    let UpdateArgs { target, changes } = args;
    let fields = [
        ("attributes.enabled", changes.enabled.is_some()),
        ("tags", !changes.tags.is_empty() || changes.clear_tags),
    ];
    let paths = fields.into_iter().filter(|(_, named)| *named).map(|(field, _)| field.to_owned()).collect();
    let tags = tags(&changes.tags)?;
    let session = context.connect_vault().await?;
    let request = pb::UpdateCertificateVersionRequest {
        name: target.resolve(session.vault())?.to_string(),
        attributes: Some(pb::CertificateAttributes { enabled: changes.enabled }),
        tags,
        update_mask: Some(prost_types::FieldMask { paths }),
    };
    let reply = session.certificates().update_certificate_version(request).await?;
    let certificate = CertificateView::from(reply.into_inner());
    context.output.print(&certificate, || certificate.text())
}
