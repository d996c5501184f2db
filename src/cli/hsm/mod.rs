//! `strongroom hsm`: managed HSMs as resources

mod create;
mod remove;
mod show;
mod update;
mod view;

use clap::{Args, Subcommand};
pub(crate) use show::all;

use super::Context;
use super::failure::{Failure, Outcome};
use super::session::Session;
use crate::api::grpc::pb;
use crate::model::name::HsmName;
use crate::model::resource::ResourceGroupName;

use create::CreateArgs;
use remove::DeletedArgs;
use update::UpdateArgs;

/// What can be done with managed HSMs.
#[derive(Debug, Subcommand)]
pub enum HsmCommand {
    /// Make a managed HSM; it is not in service before it is activated
    Create(CreateArgs),
    /// Show a managed HSM
    Show(HsmArgs),
    /// List the managed HSMs of the subscription
    List(ListArgs),
    /// Change tags or network settings, or turn purge protection on
    Update(UpdateArgs),
    /// Put a managed HSM into service; for its administrators
    Activate(ActivateArgs),
    /// Delete a managed HSM with everything in it; it can be recovered, and costs what it did, until it is purged
    Delete(HsmArgs),
    /// Show a deleted managed HSM
    ShowDeleted(DeletedArgs),
    /// List the deleted managed HSMs of the subscription
    ListDeleted,
    /// Bring a deleted managed HSM back with everything in it
    Recover(DeletedArgs),
    /// Destroy a deleted managed HSM for good
    Purge(DeletedArgs),
    /// Ask whether a managed HSM could be made under a name
    CheckName(CheckArgs),
}

/// Which managed HSM.
#[derive(Args, Clone, Debug)]
pub struct HsmArgs {
    /// Its name
    name: HsmName,
    /// The resource group that holds it [default: the simulator's]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
}

/// Which managed HSMs.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Only those of this resource group
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
}

/// Which managed HSM is to be activated.
#[derive(Args, Clone, Debug)]
pub struct ActivateArgs {
    /// Its name
    name: HsmName,
}

/// Which name.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// The name
    name: String,
}

impl HsmArgs {
    fn resource(&self, session: &Session) -> Outcome<String> {
        Ok(format!("{}/managedHsms/{}", group(session, self.resource_group.as_ref())?, self.name))
    }
}

/// The resource group that is meant, as a resource name.
fn group(session: &Session, named: Option<&ResourceGroupName>) -> Outcome<String> {
    let missing = || Failure::problem("no resource group is named").hint("name it with --resource-group");
    let known = session.connection.as_ref().map(|connection| connection.resource_group.clone());
    let group = named.cloned().or(known).ok_or_else(missing)?;
    Ok(format!("subscriptions/{}/resourceGroups/{group}", session.subscription()?))
}

/// Runs one of them.
pub(super) async fn run(context: &Context, command: HsmCommand) -> Outcome {
    match command {
        HsmCommand::Create(args) => create::run(context, args).await,
        HsmCommand::Show(args) => show::show(context, args).await,
        HsmCommand::List(args) => show::list(context, args).await,
        HsmCommand::Update(args) => update::run(context, args).await,
        HsmCommand::Activate(args) => activate(context, args).await,
        HsmCommand::Delete(args) => remove::delete(context, args).await,
        HsmCommand::ShowDeleted(args) => remove::show(context, args).await,
        HsmCommand::ListDeleted => remove::list(context).await,
        HsmCommand::Recover(args) => remove::recover(context, args).await,
        HsmCommand::Purge(args) => remove::purge(context, args).await,
        HsmCommand::CheckName(args) => check_name(context, args).await,
    }
}

async fn activate(context: &Context, args: ActivateArgs) -> Outcome {
    let session = context.connect().await?;
    let name = format!("hsms/{}", args.name);
    session.hsms().activate_managed_hsm(pb::ActivateManagedHsmRequest { name: name.clone() }).await?;
    let text = format!("activated {name}");
    context.output.print_value(&view::Activated { name, activated: true }, &text)
}

async fn check_name(context: &Context, args: CheckArgs) -> Outcome {
    let session = context.connect_control().await?;
    let parent = format!("subscriptions/{}", session.subscription()?);
    let request = pb::CheckManagedHsmNameRequest { parent, managed_hsm_id: args.name.clone() };
    let reply = session.hsms().check_managed_hsm_name(request).await?.into_inner();
    let view = view::Availability::new(args.name, reply);
    let text = view.text();
    context.output.print_value(&view, &text)
}
