//! `strongroom vault create`

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::view::VaultView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::container::group;
use crate::cli::failure::Outcome;
use crate::cli::key::{tag, tags};
use crate::model::name::VaultName;
use crate::model::resource::ResourceGroupName;
use crate::model::vault::VaultSku;

/// Returns a parser for the SKUs of vaults.
pub(super) fn sku_parser() -> PossibleValuesParser {
    PossibleValuesParser::new([VaultSku::Standard, VaultSku::Premium].map(VaultSku::as_str))
}

/// The vault to create.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the vault, unique among the vaults of the service
    name: VaultName,
    /// Retention interval of the vault and its contents after deletion; cannot be changed later
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(7..=90), value_name = "DAYS")]
    retention_days: u32,
    /// Create the vault without soft-delete: deletions are permanent. Only a simulator permits it, before February 2025
    #[arg(long, conflicts_with = "purge_protection")]
    no_soft_delete: bool,
    /// Enable purge protection (irreversible)
    #[arg(long)]
    purge_protection: bool,
    /// Use access policies instead of Azure RBAC for access to the contents
    #[arg(long)]
    access_policies: bool,
    /// SKU
    #[arg(long, default_value = VaultSku::Standard.as_str(), value_parser = sku_parser(), ignore_case = true)]
    sku: String,
    /// Region of the vault
    #[arg(long, default_value = "localhost", value_name = "NAME")]
    location: String,
    /// Resource group of the vault [default: that of the simulator]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
    /// Tag (repeatable)
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
}

/// Creates a vault.
pub(super) async fn run(context: &Context, args: CreateArgs) -> Outcome {
    let session = context.connect_control().await?;
    let vault = pb::Vault {
        location: args.location,
        sku: Some(args.sku),
        soft_delete: Some(!args.no_soft_delete),
        retention_days: Some(args.retention_days),
        purge_protection: args.purge_protection,
        rbac_authorization: Some(!args.access_policies),
        tags: tags(&args.tags)?,
        ..pb::Vault::default()
    };
    let request = pb::CreateVaultRequest {
        parent: group(&session, args.resource_group.as_ref())?,
        vault_id: args.name.to_string(),
        vault: Some(vault),
    };
    let vault = VaultView::from(session.vaults().create_vault(request).await?.into_inner());
    context.output.print(&vault, || vault.text())
}
