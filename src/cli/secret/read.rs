//! `strongroom secret show`, `list` and `versions`

use clap::Args;

use super::target::{SecretRef, SecretTarget};
use super::view::{SecretView, VersionView};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::output::RawOutput;

/// Selects a secret or secret version.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    target: SecretTarget,
    /// Write the value only, byte for byte and without a newline
    #[arg(long, conflicts_with = "out")]
    raw: bool,
    /// Write the value only, byte for byte, to a file that only its owner can read, or to standard output for -
    #[arg(long, value_name = "FILE")]
    out: Option<RawOutput>,
}

/// Selects the secret.
#[derive(Args, Clone, Debug)]
pub struct VersionsArgs {
    /// Name of the secret
    #[arg(value_parser = SecretRef::parse_live)]
    name: SecretRef,
}

/// Shows one version of a secret with its value.
pub(super) async fn show(context: &Context, args: ShowArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let name = args.target.resolve(session.vault())?.to_string();
    let request = pb::GetSecretRequest { name };
    let secret = SecretView::from(session.secrets().get_secret(request).await?.into_inner());
    match args.out.or(args.raw.then_some(RawOutput::Stdout)) {
        Some(out) => out.write_secret(secret.value().as_bytes()),
        None => context.output.print(&secret, || secret.text()),
    }
}

/// Lists the secrets, from all pages.
pub(super) async fn list(context: &Context) -> Outcome {
    let session = context.connect_vault().await?;
    let mut service = session.secrets();
    let mut request = pb::ListSecretsRequest { parent: session.vault_parent()?, ..Default::default() };
    let mut rows: Vec<SecretView> = Vec::new();
    loop {
        let page = service.list_secrets(request.clone()).await?.into_inner();
        rows.extend(page.secrets.into_iter().map(SecretView::from));
        if page.next_page_token.is_empty() {
            return context.output.print_list(&rows, &format!("{} has no secrets", request.parent));
        }
        request.page_token = page.next_page_token;
    }
}

/// Lists the versions of a secret, from all pages.
pub(super) async fn versions(context: &Context, args: VersionsArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let mut service = session.secrets();
    let parent = args.name.live(session.vault())?;
    let mut request = pb::ListSecretVersionsRequest { parent, ..Default::default() };
    let mut rows: Vec<VersionView> = Vec::new();
    loop {
        let page = service.list_secret_versions(request.clone()).await?.into_inner();
        rows.extend(page.versions.into_iter().map(|version| VersionView(version.into())));
        if page.next_page_token.is_empty() {
            return context.output.print_list(&rows, &format!("{} has no versions", request.parent));
        }
        request.page_token = page.next_page_token;
    }
}
