//! `strongroom role`: role definitions, and who has which role.

pub(super) mod assignment;
pub(super) mod definition;
pub(super) mod lookup;

use clap::Subcommand;

use super::Context;
use super::failure::Outcome;

/// What can be done with roles.
#[derive(Debug, Subcommand)]
pub enum RoleCommand {
    /// What roles grant
    #[command(subcommand)]
    Definition(definition::DefinitionCommand),
    /// Who has which role, and where
    #[command(subcommand)]
    Assignment(assignment::AssignmentCommand),
}

/// Runs one of them.
pub(super) async fn run(context: &Context, command: RoleCommand) -> Outcome {
    match command {
        RoleCommand::Definition(command) => definition::run(context, command).await,
        RoleCommand::Assignment(command) => assignment::run(context, command).await,
    }
}
