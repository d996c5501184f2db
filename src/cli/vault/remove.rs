//! `strongroom vault delete`, and the commands for deleted vaults

use clap::Args;

use super::VaultArgs;
use super::view::{DeletedVaultView, VaultView};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::container::Purged;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;
use crate::model::name::VaultName;

/// Selects a deleted vault.
#[derive(Args, Clone, Debug)]
pub struct DeletedArgs {
    /// Name of the deleted vault
    name: VaultName,
    /// Region of the deleted vault [default: the region found by name]
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
}

impl DeletedArgs {
    async fn resource(&self, session: &Session) -> Outcome<String> {
        let subscription = session.subscription()?;
        if let Some(location) = &self.location {
            return Ok(format!(
                "subscriptions/{subscription}/locations/{location}/deletedVaults/{}",
                self.name
            ));
        }
        let wanted = format!("/{}", self.name.to_case_insensitive());
        let deleted = all_deleted(session).await?;
        let found = deleted.into_iter().find(|vault| vault.name.to_lowercase().ends_with(&wanted));
        found.map(|vault| vault.name).ok_or_else(|| {
            Failure::problem(format!("there is no deleted vault {} in {subscription}", self.name))
        })
    }
}

async fn all_deleted(session: &Session) -> Outcome<Vec<pb::DeletedVault>> {
    let mut service = session.vaults();
    let parent = format!("subscriptions/{}", session.subscription()?);
    let mut request = pb::ListDeletedVaultsRequest { parent, ..Default::default() };
    let mut deleted = Vec::new();
    loop {
        let page = service.list_deleted_vaults(request.clone()).await?.into_inner();
        deleted.extend(page.deleted_vaults);
        if page.next_page_token.is_empty() {
            return Ok(deleted);
        }
        request.page_token = page.next_page_token;
    }
}

/// Deletes a vault.
pub(super) async fn delete(context: &Context, args: VaultArgs) -> Outcome {
    let session = context.connect_control().await?;
    let request = pb::DeleteVaultRequest { name: args.resource(&session)? };
    let vault = DeletedVaultView::from(session.vaults().delete_vault(request).await?.into_inner());
    context.output.print(&vault, || vault.text())
}

/// Shows a deleted vault.
pub(super) async fn show(context: &Context, args: DeletedArgs) -> Outcome {
    let session = context.connect_control().await?;
    let request = pb::GetDeletedVaultRequest { name: args.resource(&session).await? };
    let vault = DeletedVaultView::from(session.vaults().get_deleted_vault(request).await?.into_inner());
    context.output.print(&vault, || vault.text())
}

/// Lists deleted vaults.
pub(super) async fn list(context: &Context) -> Outcome {
    let session = context.connect_control().await?;
    let rows: Vec<_> = all_deleted(&session).await?.into_iter().map(DeletedVaultView::from).collect();
    context.output.print_list(&rows, "the subscription has no deleted vaults")
}

/// Recovers a deleted vault.
pub(super) async fn recover(context: &Context, args: DeletedArgs) -> Outcome {
    let session = context.connect_control().await?;
    let request = pb::RecoverDeletedVaultRequest { name: args.resource(&session).await? };
    let vault = VaultView::from(session.vaults().recover_deleted_vault(request).await?.into_inner());
    context.output.print(&vault, || vault.text())
}

/// Purges a deleted vault.
pub(super) async fn purge(context: &Context, args: DeletedArgs) -> Outcome {
    let session = context.connect_control().await?;
    let name = args.resource(&session).await?;
    let request = pb::PurgeDeletedVaultRequest { name: name.clone() };
    session.vaults().purge_deleted_vault(request).await?;
    let text = format!("purged {name}");
    context.output.print_value(&Purged { name, purged: true }, &text)
}
