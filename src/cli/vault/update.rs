//! `strongroom vault update`

use clap::{Args, ValueEnum};

use super::VaultArgs;
use super::create::sku_parser;
use super::view::VaultView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::container::NetworkArgs;
use crate::cli::failure::Outcome;
use crate::cli::key::{tag, tags};

/// A vault and its changes.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    vault: VaultArgs,
    #[command(flatten)]
    changes: Changes,
}

/// What decides about access to the contents of a vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum PermissionModel {
    /// Azure RBAC
    Rbac,
    /// The access policies of the vault
    AccessPolicies,
}

/// The changes. Other fields keep their values.
#[derive(Args, Clone, Debug)]
// Every argument is listed, because a group that contains a flattened one has no others implicitly.
#[group(required = true, multiple = true, args = ["soft_delete", "purge_protection", "permission_model", "sku", "tags", "clear_tags", "public_network_access", "ip_rules"])]
struct Changes {
    /// Enable soft-delete of a vault that was created without it (irreversible)
    #[arg(long)]
    soft_delete: bool,
    /// Enable purge protection (irreversible)
    #[arg(long)]
    purge_protection: bool,
    /// What decides about access to the contents
    #[arg(long, value_name = "MODEL")]
    permission_model: Option<PermissionModel>,
    /// SKU
    #[arg(long, value_parser = sku_parser(), ignore_case = true)]
    sku: Option<String>,
    /// Tag (repeatable); replaces all existing tags
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Remove all tags
    #[arg(long, conflicts_with = "tags")]
    clear_tags: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

/// Updates a vault.
pub(super) async fn run(context: &Context, args: UpdateArgs) -> Outcome {
    let session = context.connect_control().await?;
    let name = args.vault.resource(&session)?;
    let Changes { soft_delete, purge_protection, permission_model, sku, tags: new_tags, clear_tags, network } =
        args.changes;
    let fields = [
        ("soft_delete", soft_delete),
        ("purge_protection", purge_protection),
        ("rbac_authorization", permission_model.is_some()),
        ("sku", sku.is_some()),
        ("tags", clear_tags || !new_tags.is_empty()),
        ("network", network.is_given()),
    ];
    let set = fields.into_iter().filter(|(_, set)| *set);
    let mut service = session.vaults();
    let mut rules = pb::NetworkRules::default();
    if network.is_given() {
        // The server replaces all network rules, so start from the existing ones.
        let request = pb::GetVaultRequest { name: name.clone() };
        rules = network.applied_to(service.get_vault(request).await?.into_inner().network);
    }
    let request = pb::UpdateVaultRequest {
        vault: Some(pb::Vault {
            name,
            soft_delete: Some(soft_delete),
            purge_protection,
            rbac_authorization: permission_model.map(|model| model == PermissionModel::Rbac),
            sku,
            tags: tags(&new_tags)?,
            network: Some(rules),
            ..pb::Vault::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: set.map(|(field, _)| field.to_owned()).collect() }),
    };
    let vault = VaultView::from(service.update_vault(request).await?.into_inner());
    context.output.print(&vault, || vault.text())
}
