//! `strongroom certificate create`

use clap::Args;

use super::operation::OperationView;
use super::pem::FileFormat;
use super::policy_document;
use super::policy_options::PolicyOptions;
use super::target::CertificateRef;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::input::Source;
use crate::cli::key::{tag, tags};
use crate::cli::output::RawOutput;

/// The certificate to create, and its policy.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the certificate
    #[arg(value_parser = CertificateRef::parse_live)]
    name: CertificateRef,
    /// File with the policy in JSON, in the form of Azure's REST interface or of `az`; - for standard input. Options change it.
    /// Without policy and options, a new version has the policy of the certificate
    #[arg(long, value_name = "FILE")]
    policy: Option<Source>,
    #[command(flatten)]
    options: PolicyOptions,
    /// Write the request (PKCS#10, in PEM) to a file, or to standard output for -, to be signed elsewhere
    #[arg(long, value_name = "FILE")]
    csr: Option<RawOutput>,
    /// Tag (repeatable)
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Create the version disabled, so that its key cannot be used and its secret cannot be read
    #[arg(long)]
    disabled: bool,
    /// Keep the order of the certificates in the secret, instead of beginning with that of the key
    #[arg(long)]
    preserve_order: bool,
}

/// Creates a certificate.
pub(super) async fn run(context: &Context, args: CreateArgs) -> Outcome {
    let tags = tags(&args.tags)?;
    let mut policy = args.policy.as_ref().map(policy_document::read).transpose()?;
    if !args.options.is_empty() {
        args.options.apply(policy.get_or_insert_default());
    }
    let session = context.connect_vault().await?;
    let request = pb::CreateCertificateRequest {
        parent: args.name.parent(session.vault())?,
        certificate_id: args.name.name.to_string(),
        policy,
        attributes: Some(pb::CertificateAttributes { enabled: Some(!args.disabled) }),
        tags,
        preserve_order: args.preserve_order,
    };
    let operation = session.certificates().create_certificate(request).await?.into_inner();
    if let Some(out) = args.csr {
        return out.write(&FileFormat::Pem.encode("CERTIFICATE REQUEST", &operation.csr));
    }
    let operation = OperationView::from(operation);
    context.output.print(&operation, || operation.text())
}
