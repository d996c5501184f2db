//! `strongroom key show`, `list` and `versions`

use clap::Args;

use super::view::{KeyView, VersionView};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::names::{KeyRef, KeyTarget};

/// Selects a key or key version.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    #[command(flatten)]
    target: KeyTarget,
}

/// Selects the key.
#[derive(Args, Clone, Debug)]
pub struct VersionsArgs {
    /// Name of the key
    #[arg(value_parser = KeyRef::parse_key)]
    name: KeyRef,
}

/// Shows one version of a key.
pub(super) async fn show(context: &Context, args: ShowArgs) -> Outcome {
    let session = context.connect_to_key(Some(&args.target.name)).await?;
    let name = args.target.resolve(session.container())?.to_string();
    let key = KeyView::from(session.keys().get_key(pb::GetKeyRequest { name }).await?.into_inner());
    context.output.print(&key, || key.text())
}

/// Lists the keys, from all pages.
pub(super) async fn list(context: &Context) -> Outcome {
    let session = context.connect_to_key(None).await?;
    let mut service = session.keys();
    let mut request = pb::ListKeysRequest { parent: session.container_parent()?, ..Default::default() };
    let mut rows: Vec<KeyView> = Vec::new();
    loop {
        let page = service.list_keys(request.clone()).await?.into_inner();
        rows.extend(page.keys.into_iter().map(KeyView::from));
        if page.next_page_token.is_empty() {
            return context.output.print_list(&rows, &format!("{} has no keys", request.parent));
        }
        request.page_token = page.next_page_token;
    }
}

/// Lists the versions of a key, from all pages.
pub(super) async fn versions(context: &Context, args: VersionsArgs) -> Outcome {
    let session = context.connect_to_key(Some(&args.name)).await?;
    let mut service = session.keys();
    let parent = args.name.resource(session.container(), "keys")?;
    let mut request = pb::ListKeyVersionsRequest { parent, ..Default::default() };
    let mut rows: Vec<VersionView> = Vec::new();
    loop {
        let page = service.list_key_versions(request.clone()).await?.into_inner();
        rows.extend(page.versions.into_iter().map(|version| VersionView(version.into())));
        if page.next_page_token.is_empty() {
            return context.output.print_list(&rows, &format!("{} has no versions", request.parent));
        }
        request.page_token = page.next_page_token;
    }
}
