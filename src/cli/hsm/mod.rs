//! `strongroom hsm`: managed HSMs as resources

mod activate;
mod create;
mod remove;
mod show;
mod update;
mod view;

use clap::{Args, Subcommand};
pub(crate) use show::fetch_all;

use super::Context;
use super::container::{Availability, CheckArgs, ListArgs, group};
use super::failure::Outcome;
use super::session::Session;
use crate::api::grpc::pb;
use crate::model::name::HsmName;
use crate::model::resource::ResourceGroupName;

use activate::ActivateArgs;
use create::CreateArgs;
use remove::DeletedArgs;
use update::UpdateArgs;

/// Subcommands of `strongroom hsm`.
#[derive(Debug, Subcommand)]
pub enum HsmCommand {
    /// Create a managed HSM; it must be activated before use
    Create(CreateArgs),
    /// Show a managed HSM
    Show(HsmArgs),
    /// List the managed HSMs of the subscription
    List(ListArgs),
    /// Update tags or network settings, or enable purge protection
    Update(UpdateArgs),
    /// Activate a managed HSM; requires one of its administrators. For production, use `security-domain download`
    Activate(ActivateArgs),
    /// Delete a managed HSM with its contents; it can be recovered, and is charged, until it is purged
    Delete(HsmArgs),
    /// Show a deleted managed HSM
    ShowDeleted(DeletedArgs),
    /// List the deleted managed HSMs of the subscription
    ListDeleted,
    /// Recover a deleted managed HSM with its contents
    Recover(DeletedArgs),
    /// Purge a deleted managed HSM (irreversible)
    Purge(DeletedArgs),
    /// Check whether a name is available for a managed HSM
    CheckName(CheckArgs),
}

/// Selects a managed HSM.
#[derive(Args, Clone, Debug)]
pub struct HsmArgs {
    /// Name of the managed HSM
    name: HsmName,
    /// Resource group of the managed HSM [default: that of the simulator]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
}

impl HsmArgs {
    fn resource(&self, session: &Session) -> Outcome<String> {
        Ok(format!("{}/managedHsms/{}", group(session, self.resource_group.as_ref())?, self.name))
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: HsmCommand) -> Outcome {
    match command {
        HsmCommand::Create(args) => create::run(context, args).await,
        HsmCommand::Show(args) => show::show(context, args).await,
        HsmCommand::List(args) => show::list(context, args).await,
        HsmCommand::Update(args) => update::run(context, args).await,
        HsmCommand::Activate(args) => activate::run(context, args).await,
        HsmCommand::Delete(args) => remove::delete(context, args).await,
        HsmCommand::ShowDeleted(args) => remove::show(context, args).await,
        HsmCommand::ListDeleted => remove::list(context).await,
        HsmCommand::Recover(args) => remove::recover(context, args).await,
        HsmCommand::Purge(args) => remove::purge(context, args).await,
        HsmCommand::CheckName(args) => check_name(context, args).await,
    }
}

async fn check_name(context: &Context, args: CheckArgs) -> Outcome {
    let session = context.connect_control().await?;
    let parent = format!("subscriptions/{}", session.subscription()?);
    let request = pb::CheckManagedHsmNameRequest { parent, managed_hsm_id: args.name.clone() };
    let reply = session.hsms().check_managed_hsm_name(request).await?.into_inner();
    let view = Availability::new(args.name, reply.available, reply.reason, reply.message);
    let text = view.text();
    context.output.print_value(&view, &text)
}
