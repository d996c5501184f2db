//! `strongroom key delete`, and the commands for deleted keys

use clap::Args;
use serde::Serialize;

use super::view::{DeletedKeyView, KeyView};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::names::KeyRef;

/// Selects a key.
#[derive(Args, Clone, Debug)]
pub struct KeyArgs {
    /// Name of the key
    #[arg(value_parser = KeyRef::parse_key)]
    pub(super) name: KeyRef,
}

/// Selects a deleted key.
#[derive(Args, Clone, Debug)]
pub struct DeletedKeyArgs {
    /// Name of the deleted key
    #[arg(value_parser = KeyRef::parse_deleted)]
    name: KeyRef,
}

#[derive(Serialize)]
struct Purged {
    name: String,
    purged: bool,
}

/// Deletes a key.
pub(super) async fn delete(context: &Context, args: KeyArgs) -> Outcome {
    let session = context.connect_to_key(Some(&args.name)).await?;
    let name = args.name.resource(session.container(), "keys")?;
    let reply = session.keys().delete_key(pb::DeleteKeyRequest { name }).await?;
    let key = DeletedKeyView::from(reply.into_inner());
    context.output.print(&key, || key.text())
}

/// Lists the deleted keys, from all pages.
pub(super) async fn list(context: &Context) -> Outcome {
    let session = context.connect_to_key(None).await?;
    let mut service = session.keys();
    let mut request =
        pb::ListDeletedKeysRequest { parent: session.container_parent()?, ..Default::default() };
    let mut rows: Vec<DeletedKeyView> = Vec::new();
    loop {
        let page = service.list_deleted_keys(request.clone()).await?.into_inner();
        rows.extend(page.deleted_keys.into_iter().map(DeletedKeyView::from));
        if page.next_page_token.is_empty() {
            return context.output.print_list(&rows, &format!("{} has no deleted keys", request.parent));
        }
        request.page_token = page.next_page_token;
    }
}

/// Shows a deleted key.
pub(super) async fn show(context: &Context, args: DeletedKeyArgs) -> Outcome {
    let session = context.connect_to_key(Some(&args.name)).await?;
    let name = args.name.resource(session.container(), "deletedKeys")?;
    let reply = session.keys().get_deleted_key(pb::GetDeletedKeyRequest { name }).await?;
    let key = DeletedKeyView::from(reply.into_inner());
    context.output.print(&key, || key.text())
}

/// Recovers a deleted key.
pub(super) async fn recover(context: &Context, args: DeletedKeyArgs) -> Outcome {
    let session = context.connect_to_key(Some(&args.name)).await?;
    let name = args.name.resource(session.container(), "deletedKeys")?;
    let reply = session.keys().recover_deleted_key(pb::RecoverDeletedKeyRequest { name }).await?;
    let key = KeyView::from(reply.into_inner());
    context.output.print(&key, || key.text())
}

/// Purges a deleted key.
pub(super) async fn purge(context: &Context, args: DeletedKeyArgs) -> Outcome {
    let session = context.connect_to_key(Some(&args.name)).await?;
    let name = args.name.resource(session.container(), "deletedKeys")?;
    session.keys().purge_deleted_key(pb::PurgeDeletedKeyRequest { name: name.clone() }).await?;
    let text = format!("purged {name}");
    context.output.print_value(&Purged { name, purged: true }, &text)
}
