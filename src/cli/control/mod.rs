//! `strongroom control`: who may manage managed HSMs as resources, and what holds them.

mod assignment;
mod check;
mod definition;

use clap::{Args, Subcommand};

use super::Context;
use super::failure::Outcome;
use super::session::Session;
use crate::model::control_plane::ControlScope;
use crate::model::resource::ResourceGroupName;

/// What can be asked of the control plane.
#[derive(Debug, Subcommand)]
pub enum ControlCommand {
    /// Roles of the control plane; none of them opens a key
    #[command(subcommand)]
    Role(ControlRoleCommand),
    /// Tell whether a principal may do something, and why; the exit code is 1 if not
    Check(check::CheckArgs),
}

/// What can be done with roles of the control plane.
#[derive(Debug, Subcommand)]
pub enum ControlRoleCommand {
    /// What roles grant
    #[command(subcommand)]
    Definition(definition::DefinitionCommand),
    /// Who has which role, and where
    #[command(subcommand)]
    Assignment(assignment::AssignmentCommand),
}

/// Where something is asked: the subscription unless more is said.
#[derive(Args, Clone, Debug)]
pub struct ScopeArgs {
    /// Where: the id of a subscription, a resource group or a managed HSM, as Azure writes them
    #[arg(long, conflicts_with = "group")]
    scope: Option<ControlScope>,
    /// Where: a resource group of the subscription
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

    /// As requests name it.
    fn parent(&self, session: &Session) -> Outcome<String> {
        Ok(self.scope(session)?.to_string().trim_start_matches('/').to_owned())
    }
}

/// Runs one of them.
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
