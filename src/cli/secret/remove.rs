//! `strongroom secret delete`, and the commands for deleted secrets

use clap::Args;

use super::target::SecretRef;
use super::view::{DeletedSecretView, SecretView};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::container::Purged;
use crate::cli::failure::Outcome;

/// Selects a secret.
#[derive(Args, Clone, Debug)]
pub struct SecretArgs {
    /// Name of the secret
    #[arg(value_parser = SecretRef::parse_live)]
    name: SecretRef,
}

/// Selects a deleted secret.
#[derive(Args, Clone, Debug)]
pub struct DeletedSecretArgs {
    /// Name of the deleted secret
    #[arg(value_parser = SecretRef::parse_deleted)]
    name: SecretRef,
}

/// Deletes a secret.
pub(super) async fn delete(context: &Context, args: SecretArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let name = args.name.live(session.vault())?;
    let reply = session.secrets().delete_secret(pb::DeleteSecretRequest { name }).await?;
    let secret = DeletedSecretView::from(reply.into_inner());
    context.output.print(&secret, || secret.text())
}

/// Lists the deleted secrets, from all pages.
pub(super) async fn list(context: &Context) -> Outcome {
    let session = context.connect_vault().await?;
    let mut service = session.secrets();
    let mut request = pb::ListDeletedSecretsRequest { parent: session.vault_parent()?, ..Default::default() };
    let mut rows: Vec<DeletedSecretView> = Vec::new();
    loop {
        let page = service.list_deleted_secrets(request.clone()).await?.into_inner();
        rows.extend(page.deleted_secrets.into_iter().map(DeletedSecretView::from));
        if page.next_page_token.is_empty() {
            return context.output.print_list(&rows, &format!("{} has no deleted secrets", request.parent));
        }
        request.page_token = page.next_page_token;
    }
}

/// Shows a deleted secret.
pub(super) async fn show(context: &Context, args: DeletedSecretArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let name = args.name.deleted(session.vault())?;
    let reply = session.secrets().get_deleted_secret(pb::GetDeletedSecretRequest { name }).await?;
    let secret = DeletedSecretView::from(reply.into_inner());
    context.output.print(&secret, || secret.text())
}

/// Recovers a deleted secret.
pub(super) async fn recover(context: &Context, args: DeletedSecretArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let name = args.name.deleted(session.vault())?;
    let reply = session.secrets().recover_deleted_secret(pb::RecoverDeletedSecretRequest { name }).await?;
    let secret = SecretView::from(reply.into_inner());
    context.output.print(&secret, || secret.text())
}

/// Purges a deleted secret.
pub(super) async fn purge(context: &Context, args: DeletedSecretArgs) -> Outcome {
    let session = context.connect_vault().await?;
    let name = args.name.deleted(session.vault())?;
    session.secrets().purge_deleted_secret(pb::PurgeDeletedSecretRequest { name: name.clone() }).await?;
    let text = format!("purged {name}");
    context.output.print_value(&Purged { name, purged: true }, &text)
}
