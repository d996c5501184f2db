//! `strongroom control role definition`

use clap::{Args, Subcommand};

use super::ScopeArgs;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::role::definition::DefinitionView;
use crate::cli::role::lookup;
use crate::cli::session::Session;

/// Subcommands of `strongroom control role definition`.
#[derive(Debug, Subcommand)]
pub enum DefinitionCommand {
    /// List the role definitions
    List(ScopeArgs),
    /// Show a role definition
    Show(ShowArgs),
}

/// Selects a role.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// Name or id of the role
    #[arg(value_name = "NAME|ID")]
    role: String,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// Fetches the role definitions that can be assigned at a scope.
pub(super) async fn definitions(session: &Session, parent: String) -> Outcome<Vec<pb::RoleDefinition>> {
    let request = pb::ListControlRoleDefinitionsRequest { parent };
    let reply = session.authorization().list_control_role_definitions(request).await?;
    Ok(reply.into_inner().role_definitions)
}

/// Returns the id of a role, given by id or name.
pub(super) async fn role_id(session: &Session, parent: &str, wanted: &str) -> Outcome<String> {
    if uuid::Uuid::parse_str(wanted).is_ok() {
        return Ok(wanted.to_owned());
    }
    let roles = definitions(session, parent.to_owned()).await?;
    lookup::find(&roles, wanted).map(|role| lookup::id(&role.name).to_owned())
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: DefinitionCommand) -> Outcome {
    let session = context.connect_control().await?;
    match command {
        DefinitionCommand::List(scope) => {
            let roles = definitions(&session, scope.parent(&session)?).await?;
            let rows: Vec<_> = roles.into_iter().map(DefinitionView::from).collect();
            context.output.print_list(&rows, "there are no role definitions")
        }
        DefinitionCommand::Show(ShowArgs { role, scope }) => {
            let parent = scope.parent(&session)?;
            let id = role_id(&session, &parent, &role).await?;
            let name = format!("{parent}/roleDefinitions/{id}");
            let request = pb::GetControlRoleDefinitionRequest { name };
            let role = session.authorization().get_control_role_definition(request).await?.into_inner();
            let role = DefinitionView::from(role);
            context.output.print(&role, || role.control_text())
        }
    }
}
