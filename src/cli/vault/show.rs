//! `strongroom vault show|list`

use super::VaultArgs;
use super::view::VaultView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::container::{ListArgs, group};
use crate::cli::failure::Outcome;
use crate::cli::session::Session;

/// Shows a vault.
pub(super) async fn show(context: &Context, args: VaultArgs) -> Outcome {
    let session = context.connect_control().await?;
    let request = pb::GetVaultRequest { name: args.resource(&session)? };
    let vault = VaultView::from(session.vaults().get_vault(request).await?.into_inner());
    context.output.print(&vault, || vault.text())
}

/// Lists vaults, from all pages.
pub(super) async fn list(context: &Context, args: ListArgs) -> Outcome {
    let session = context.connect_control().await?;
    let parent = match &args.resource_group {
        Some(name) => group(&session, Some(name))?,
        None => format!("subscriptions/{}", session.subscription()?),
    };
    let rows: Vec<VaultView> = fetch_all(&session, &parent).await?.into_iter().map(VaultView::from).collect();
    context.output.print_list(&rows, &format!("{parent} has no vaults"))
}

/// Fetches all pages of the vaults of a subscription or resource group.
pub(crate) async fn fetch_all(session: &Session, parent: &str) -> Outcome<Vec<pb::Vault>> {
    let mut service = session.vaults();
    let mut request = pb::ListVaultsRequest { parent: parent.to_owned(), ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = service.list_vaults(request.clone()).await?.into_inner();
        found.extend(page.vaults);
        if page.next_page_token.is_empty() {
            return Ok(found);
        }
        request.page_token = page.next_page_token;
    }
}
