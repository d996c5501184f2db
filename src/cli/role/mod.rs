//! `strongroom role`: role definitions and role assignments of local RBAC.

pub(super) mod assignment;
pub(super) mod definition;
pub(super) mod lookup;

use clap::Subcommand;

use super::Context;
use super::failure::Outcome;

/// Subcommands of `strongroom role`.
#[derive(Debug, Subcommand)]
pub enum RoleCommand {
    /// Manage role definitions
    #[command(subcommand)]
    Definition(definition::DefinitionCommand),
    /// Manage role assignments
    #[command(subcommand)]
    Assignment(assignment::AssignmentCommand),
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: RoleCommand) -> Outcome {
    match command {
        RoleCommand::Definition(command) => definition::run(context, command).await,
        RoleCommand::Assignment(command) => assignment::run(context, command).await,
    }
}
