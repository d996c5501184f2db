//! `strongroom hsm update`

use clap::Args;

use super::HsmArgs;
use super::view::HsmView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::key::{tag, tags};

/// What to change, of which managed HSM.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    hsm: HsmArgs,
    #[command(flatten)]
    changes: Changes,
}

/// What to change; what is not named stays.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Refuse purging before the time; cannot be undone
    #[arg(long)]
    purge_protection: bool,
    /// A tag; may be repeated. All tags are replaced
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Take all tags away
    #[arg(long, conflicts_with = "tags")]
    clear_tags: bool,
    /// Whether it is to be reached over the public network; stored, not enforced
    #[arg(long, value_parser = ["Enabled", "Disabled"], ignore_case = true)]
    public_network_access: Option<String>,
    /// A public IPv4 address or range that is let in; may be repeated; stored, not enforced
    #[arg(long = "ip-rule", value_name = "CIDR")]
    ip_rules: Vec<String>,
}

/// Changes a managed HSM.
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
    let named = fields.into_iter().filter(|(_, named)| *named);
    let mut service = session.hsms();
    let mut rules = pb::NetworkRules::default();
    if network {
        // What is not named of the network stays, too.
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
        update_mask: Some(prost_types::FieldMask {
            paths: named.map(|(field, _)| field.to_owned()).collect(),
        }),
    };
    let hsm = HsmView::from(service.update_managed_hsm(request).await?.into_inner());
    context.output.print(&hsm, || hsm.text())
}
