//! `strongroom hsm create`

use clap::Args;

use super::group;
use super::view::HsmView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::connection::object_id;
use crate::cli::failure::Outcome;
use crate::cli::key::{tag, tags};
use crate::cli::output::note;
use crate::model::hsm::SKUS;
use crate::model::name::HsmName;
use crate::model::resource::ResourceGroupName;

/// A new managed HSM.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Its name, unique across the service
    name: HsmName,
    /// Who becomes Managed HSM Administrator: a principal of the simulator, or the object id of a user,
    /// service principal or group; may be repeated
    #[arg(long = "administrator", required = true, value_name = "NAME|OBJECT-ID")]
    administrators: Vec<String>,
    /// How long deleted things can be recovered; cannot be changed afterwards
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(7..=90), value_name = "DAYS")]
    retention_days: u32,
    /// Refuse purging before the time; cannot be undone
    #[arg(long)]
    purge_protection: bool,
    /// The stock keeping unit
    #[arg(long, default_value = "Standard_B1", value_parser = clap::builder::PossibleValuesParser::new(SKUS), ignore_case = true)]
    sku: String,
    /// The region
    #[arg(long, default_value = "localhost", value_name = "NAME")]
    location: String,
    /// The resource group to hold it [default: the simulator's]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
    /// A tag; may be repeated
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
}

/// Makes a managed HSM.
pub(super) async fn run(context: &Context, args: CreateArgs) -> Outcome {
    let session = context.connect_control().await?;
    let administrator = |name: &String| object_id(session.connection.as_ref(), name).map(|id| id.to_string());
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
        "it answers nothing before an administrator has activated it: strongroom hsm activate {name}"
    ));
    Ok(())
}
