//! `strongroom control`: ARM RBAC (control plane) for managed HSMs, resource groups and subscriptions.

mod assignment;
mod check;
mod definition;

use clap::{Args, Subcommand};

use super::Context;
use super::failure::Outcome;
use super::session::Session;
use crate::model::arm_rbac::ControlScope;
use crate::model::resource::ResourceGroupName;

/// Subcommands of `strongroom control`.
#[derive(Debug, Subcommand)]
pub enum ControlCommand {
    /// Manage ARM roles; they grant no data actions on keys
    #[command(subcommand)]
    Role(ControlRoleCommand),
    /// Check whether a principal is granted an action, and why; exit code is 1 if not
    Check(check::CheckArgs),
}

/// Subcommands of `strongroom control role`.
#[derive(Debug, Subcommand)]
pub enum ControlRoleCommand {
    /// Manage role definitions
    #[command(subcommand)]
    Definition(definition::DefinitionCommand),
    /// Manage role assignments
    #[command(subcommand)]
    Assignment(assignment::AssignmentCommand),
}

/// The scope of the command. The default is the subscription.
#[derive(Args, Clone, Debug)]
pub struct ScopeArgs {
    /// Scope: the ARM resource id of a subscription, resource group or managed HSM [default: the subscription]
    #[arg(long, conflicts_with = "group")]
    scope: Option<ControlScope>,
    /// Scope: a resource group of the subscription
    #[arg(long, value_name = "NAME")]
    group: Option<ResourceGroupName>,
}

impl ScopeArgs {
    fn scope(&self, session: &Session) -> Outcome<ControlScope> {
        match (&self.scope, &self.group) {
            (Some(scope), _) => Ok(scope.clone()),
            (None, Some(group)) => Ok(ControlScope::ResourceGroup(session.subscription()?, group.clone())),
            (None, None) => Ok(ControlScope::Subscription(session.subscription()?)),
        }
    }

    /// Returns the scope in the form of the `parent` field of requests.
    pub(in crate::cli) fn parent(&self, session: &Session) -> Outcome<String> {
        Ok(self.scope(session)?.to_string().trim_start_matches('/').to_owned())
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: ControlCommand) -> Outcome {
    match command {
        ControlCommand::Role(ControlRoleCommand::Definition(command)) => {
            definition::run(context, command).await
        }
        ControlCommand::Role(ControlRoleCommand::Assignment(command)) => {
            assignment::run(context, command).await
        }
        ControlCommand::Check(args) => check::run(context, args).await,
    }
}
