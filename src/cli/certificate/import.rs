//! `strongroom certificate import`

use clap::Args;
use zeroize::Zeroizing;

use super::policy_document;
use super::target::CertificateRef;
use super::view::CertificateView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::Source;
use crate::cli::key::{tag, tags};
use crate::cli::prompt::prompt;

/// The certificate to import.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// Name of the certificate
    #[arg(value_parser = CertificateRef::parse_live)]
    name: CertificateRef,
    /// File with private key and certificates: PKCS#12, or PEM with an unencrypted key; - for standard input
    #[arg(long, value_name = "FILE")]
    file: Source,
    /// File with the password of PKCS#12, or - for standard input; a line end at its end does not belong to it
    #[arg(long, value_name = "FILE", conflicts_with = "ask_password")]
    password_file: Option<Source>,
    /// Ask for the password of PKCS#12 at the terminal
    #[arg(long)]
    ask_password: bool,
    /// File with the policy of later versions in JSON, in the form of Azure's REST interface or of `az`
    #[arg(long, value_name = "FILE")]
    policy: Option<Source>,
    /// Whether the secret contains the private key [default: true]
    #[arg(long, action = clap::ArgAction::Set, value_name = "true|false")]
    exportable: Option<bool>,
    /// Format of the secret [default: that of the file]
    #[arg(long, value_parser = ["application/x-pkcs12", "application/x-pem-file"])]
    content_type: Option<String>,
    /// Tag (repeatable)
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Import the version disabled, so that its key cannot be used and its secret cannot be read
    #[arg(long)]
    disabled: bool,
    /// Keep the order of the certificates in the secret, instead of beginning with that of the key
    #[arg(long)]
    preserve_order: bool,
}

impl ImportArgs {
    /// Reads the password; empty if none is given.
    fn password(&self) -> Outcome<Zeroizing<String>> {
        match &self.password_file {
            Some(Source::Stdin) if self.file == Source::Stdin => {
                Err(Failure::Usage("standard input is either the file or the password".into()))
            }
            Some(source) => {
                let bytes = source.read()?;
                let text = std::str::from_utf8(&bytes.0)
                    .map_err(|_| Failure::problem(format!("{source}: the password is not UTF-8")))?;
                Ok(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned()))
            }
            None if self.ask_password => prompt("Password"),
            None => Ok(Zeroizing::default()),
        }
    }

    /// Reads the policy; absent if nothing is given.
    fn policy(&self) -> Outcome<Option<pb::CertificatePolicy>> {
        let mut policy = self.policy.as_ref().map(policy_document::read).transpose()?;
        if let Some(exportable) = self.exportable {
            let key = policy.get_or_insert_default().key.get_or_insert_default();
            key.exportable = Some(exportable);
        }
        if self.content_type.is_some() {
            let content_type = self.content_type.clone();
            policy.get_or_insert_default().secret = Some(pb::CertificateSecretProperties { content_type });
        }
        Ok(policy)
    }
}

/// Imports a certificate.
pub(super) async fn run(context: &Context, args: ImportArgs) -> Outcome {
    let tags = tags(&args.tags)?;
    let (policy, password) = (args.policy()?, args.password()?);
    let value = args.file.read()?;
    let session = context.connect_vault().await?;
    let request = pb::ImportCertificateRequest {
        parent: args.name.parent(session.vault())?,
        certificate_id: args.name.name.to_string(),
        value: value.to_vec(),
        password: password.to_string(),
        policy,
        attributes: Some(pb::CertificateAttributes { enabled: Some(!args.disabled) }),
        tags,
        preserve_order: args.preserve_order,
    };
    let reply = session.certificates().import_certificate(request).await?;
    let certificate = CertificateView::from(reply.into_inner());
    context.output.print(&certificate, || certificate.text())
}
