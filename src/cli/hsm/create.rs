//! `strongroom hsm create`

use clap::Args;

use super::view::HsmView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::connection::resolve_object_id;
use crate::cli::container::group;
use crate::cli::failure::Outcome;
use crate::cli::key::{tag, tags};
use crate::cli::output::note;
use crate::model::hsm::SKUS;
use crate::model::name::HsmName;
use crate::model::resource::ResourceGroupName;

/// The managed HSM to create.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the managed HSM, unique across the service
    name: HsmName,
    /// Initial administrator: a principal of the simulator, or the object id of a user, service principal or
    /// group (repeatable)
    #[arg(long = "administrator", required = true, value_name = "NAME|OBJECT-ID")]
    administrators: Vec<String>,
    /// Retention interval of the managed HSM and its keys after deletion; cannot be changed later
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(7..=90), value_name = "DAYS")]
    retention_days: u32,
    /// Enable purge protection (irreversible)
    #[arg(long)]
    purge_protection: bool,
    /// SKU, for example Standard_B1
    #[arg(long, default_value = "Standard_B1", value_parser = clap::builder::PossibleValuesParser::new(SKUS), ignore_case = true)]
    sku: String,
    /// Region of the managed HSM
    #[arg(long, default_value = "localhost", value_name = "NAME")]
    location: String,
    /// Resource group of the managed HSM [default: that of the simulator]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
    /// Tag (repeatable)
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
}

/// Creates a managed HSM.
pub(super) async fn run(context: &Context, args: CreateArgs) -> Outcome {
    let session = context.connect_control().await?;
    let administrator =
        |name: &String| resolve_object_id(session.connection.as_ref(), name).map(|id| id.to_string());
    let managed_hsm = pb::ManagedHsm {
        location: args.location,
        sku: Some(args.sku),
        administrators: args.administrators.iter().map(administrator).collect::<Outcome<_>>()?,
        retention_days: Some(args.retention_days),
        purge_protection: args.purge_protection,
        tags: tags(&args.tags)?,
        ..pb::ManagedHsm::default()
    };
    let request = pb::CreateManagedHsmRequest {
        parent: group(&session, args.resource_group.as_ref())?,
        managed_hsm_id: args.name.to_string(),
        managed_hsm: Some(managed_hsm),
    };
    let hsm = HsmView::from(session.hsms().create_managed_hsm(request).await?.into_inner());
    context.output.print(&hsm, || hsm.text())?;
    let name = args.name;
    note(&format!(
        "the managed HSM must be activated by an administrator before use: strongroom hsm activate {name}"
    ));
    Ok(())
}
