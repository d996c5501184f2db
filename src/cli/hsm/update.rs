//! `strongroom hsm update`

use clap::Args;

use super::HsmArgs;
use super::view::HsmView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::container::NetworkArgs;
use crate::cli::failure::Outcome;
use crate::cli::key::{tag, tags};

/// A managed HSM and its changes.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    hsm: HsmArgs,
    #[command(flatten)]
    changes: Changes,
}

/// The changes. Other fields keep their values.
#[derive(Args, Clone, Debug)]
// Every argument is listed, because a group that contains a flattened one has no others implicitly.
#[group(required = true, multiple = true, args = ["purge_protection", "tags", "clear_tags", "public_network_access", "ip_rules"])]
struct Changes {
    /// Enable purge protection (irreversible)
    #[arg(long)]
    purge_protection: bool,
    /// Tag (repeatable); replaces all existing tags
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Remove all tags
    #[arg(long, conflicts_with = "tags")]
    clear_tags: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

/// Updates a managed HSM.
pub(super) async fn run(context: &Context, args: UpdateArgs) -> Outcome {
    let session = context.connect_control().await?;
    let name = args.hsm.resource(&session)?;
    let Changes { purge_protection, tags: new_tags, clear_tags, network } = args.changes;
    let fields = [
        ("purge_protection", purge_protection),
        ("tags", clear_tags || !new_tags.is_empty()),
        ("network", network.is_given()),
    ];
    let set = fields.into_iter().filter(|(_, set)| *set);
    let mut service = session.hsms();
    let mut rules = pb::NetworkRules::default();
    if network.is_given() {
        // The server replaces all network rules, so start from the existing ones.
        let request = pb::GetManagedHsmRequest { name: name.clone() };
        rules = network.applied_to(service.get_managed_hsm(request).await?.into_inner().network);
    }
    let request = pb::UpdateManagedHsmRequest {
        managed_hsm: Some(pb::ManagedHsm {
            name,
            purge_protection,
            tags: tags(&new_tags)?,
            network: Some(rules),
            ..pb::ManagedHsm::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: set.map(|(field, _)| field.to_owned()).collect() }),
    };
    let hsm = HsmView::from(service.update_managed_hsm(request).await?.into_inner());
    context.output.print(&hsm, || hsm.text())
}
