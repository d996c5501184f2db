//! `strongroom vault`: vaults as resources

mod check_access;
mod create;
mod policy;
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
use crate::model::name::VaultName;
use crate::model::resource::ResourceGroupName;

use check_access::AccessArgs;
use create::CreateArgs;
use policy::PolicyCommand;
use remove::DeletedArgs;
use update::UpdateArgs;

/// Subcommands of `strongroom vault`.
#[derive(Debug, Subcommand)]
pub enum VaultCommand {
    /// Create a vault
    Create(CreateArgs),
    /// Show a vault with its access policies
    Show(VaultArgs),
    /// List the vaults of the subscription
    List(ListArgs),
    /// Update SKU, tags, network settings or the permission model, or enable purge protection
    Update(UpdateArgs),
    /// Manage the access policies of a vault
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Delete a vault with its contents; it can be recovered until it is purged
    Delete(VaultArgs),
    /// Show a deleted vault
    ShowDeleted(DeletedArgs),
    /// List the deleted vaults of the subscription
    ListDeleted,
    /// Recover a deleted vault with its contents and access policies, without its role assignments
    Recover(DeletedArgs),
    /// Purge a deleted vault (irreversible)
    Purge(DeletedArgs),
    /// Check whether a name is available for a vault
    CheckName(CheckArgs),
    /// Check whether a principal is granted an action in a vault, and why; exit code is 1 if not
    CheckAccess(AccessArgs),
}

/// Selects a vault.
#[derive(Args, Clone, Debug)]
pub struct VaultArgs {
    /// Name of the vault
    name: VaultName,
    /// Resource group of the vault [default: that of the simulator]
    #[arg(long, value_name = "NAME")]
    resource_group: Option<ResourceGroupName>,
}

impl VaultArgs {
    fn resource(&self, session: &Session) -> Outcome<String> {
        Ok(format!("{}/vaults/{}", group(session, self.resource_group.as_ref())?, self.name))
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: VaultCommand) -> Outcome {
    match command {
        VaultCommand::Create(args) => create::run(context, args).await,
        VaultCommand::Show(args) => show::show(context, args).await,
        VaultCommand::List(args) => show::list(context, args).await,
        VaultCommand::Update(args) => update::run(context, args).await,
        VaultCommand::Policy(command) => policy::run(context, command).await,
        VaultCommand::Delete(args) => remove::delete(context, args).await,
        VaultCommand::ShowDeleted(args) => remove::show(context, args).await,
        VaultCommand::ListDeleted => remove::list(context).await,
        VaultCommand::Recover(args) => remove::recover(context, args).await,
        VaultCommand::Purge(args) => remove::purge(context, args).await,
        VaultCommand::CheckName(args) => check_name(context, args).await,
        VaultCommand::CheckAccess(args) => check_access::run(context, args).await,
    }
}

async fn check_name(context: &Context, args: CheckArgs) -> Outcome {
    let session = context.connect_control().await?;
    let parent = format!("subscriptions/{}", session.subscription()?);
    let request = pb::CheckVaultNameRequest { parent, vault_id: args.name.clone() };
    let reply = session.vaults().check_vault_name(request).await?.into_inner();
    let view = Availability::new(args.name, reply.available, reply.reason, reply.message);
    let text = view.text();
    context.output.print_value(&view, &text)
}
