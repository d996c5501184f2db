//! `strongroom hsm update`

use clap::Args;

use super::HsmArgs;
use super::view::HsmView;
use crate::api::grpc::pb;
use crate::cli::Context;
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
#[group(required = true, multiple = true)]
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
    /// Allow or deny access over the public network; stored, not enforced
    #[arg(long, value_parser = ["Enabled", "Disabled"], ignore_case = true)]
    public_network_access: Option<String>,
    /// Public IPv4 address or range to allow (repeatable); stored, not enforced
    #[arg(long = "ip-rule", value_name = "CIDR")]
    ip_rules: Vec<String>,
}

/// Updates a managed HSM.
pub(super) async fn run(context: &Context, args: UpdateArgs) -> Outcome {
    let session = context.connect_control().await?;
    let name = args.hsm.resource(&session)?;
    let Changes { purge_protection, tags: new_tags, clear_tags, public_network_access, ip_rules } =
        args.changes;
    let network = public_network_access.is_some() || !ip_rules.is_empty();
    let fields = [
        ("purge_protection", purge_protection),
        ("tags", clear_tags || !new_tags.is_empty()),
        ("network", network),
    ];
    let set = fields.into_iter().filter(|(_, set)| *set);
    let mut service = session.hsms();
    let mut rules = pb::NetworkRules::default();
    if network {
        // The server replaces all network rules, so start from the existing ones.
        let request = pb::GetManagedHsmRequest { name: name.clone() };
        rules = service.get_managed_hsm(request).await?.into_inner().network.unwrap_or_default();
        rules.public_network_access = public_network_access.or(rules.public_network_access);
        if !ip_rules.is_empty() {
            rules.ip_rules = ip_rules;
        }
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
