//! `strongroom control role assignment`

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::{ScopeArgs, definition};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::connection::resolve_object_id;
use crate::cli::failure::Outcome;
use crate::cli::role::assignment::{AssignmentView, DisplayNames};
use crate::cli::session::Session;

/// Subcommands of `strongroom control role assignment`.
#[derive(Debug, Subcommand)]
pub enum AssignmentCommand {
    /// List the role assignments that apply at a scope, and those below it
    List(ListArgs),
    /// Show a role assignment
    Show(AssignmentArgs),
    /// Assign a role to a principal
    Create(CreateArgs),
    /// Delete a role assignment
    Delete(AssignmentArgs),
}

/// Filters role assignments.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// List only assignments of this principal
    #[arg(long, value_name = "NAME|OBJECT-ID")]
    assignee: Option<String>,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// The role assignment to create.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name or id of the role
    #[arg(long, value_name = "NAME|ID")]
    role: String,
    /// Name of a simulator principal, or object id of a user, service principal or group
    #[arg(long, value_name = "NAME|OBJECT-ID")]
    assignee: String,
    /// Id of the assignment [default: a random one]
    #[arg(long, value_name = "GUID")]
    id: Option<Uuid>,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// Selects a role assignment.
#[derive(Args, Clone, Debug)]
pub struct AssignmentArgs {
    /// Id of the assignment, as `control role assignment list` shows it
    #[arg(value_name = "ID")]
    assignment: Uuid,
    #[command(flatten)]
    scope: ScopeArgs,
}

impl AssignmentArgs {
    fn resource_name(&self, session: &Session) -> Outcome<String> {
        Ok(format!("{}/roleAssignments/{}", self.scope.parent(session)?, self.assignment))
    }
}

/// Fetches the names of roles. Permission to list assignments implies permission to list roles.
async fn names<'a>(session: &'a Session, parent: String) -> Outcome<DisplayNames<'a>> {
    let roles = definition::definitions(session, parent).await?;
    Ok(DisplayNames { roles, connection: session.connection.as_ref() })
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: AssignmentCommand) -> Outcome {
    let session = context.connect_control().await?;
    let mut service = session.authorization();
    let (parent, assignment) = match command {
        AssignmentCommand::List(args) => {
            let parent = args.scope.parent(&session)?;
            let principal = args.assignee.map(|name| resolve_object_id(session.connection.as_ref(), &name));
            let principal_id = principal.transpose()?.map(|id| id.to_string()).unwrap_or_default();
            let request = pb::ListControlRoleAssignmentsRequest { parent: parent.clone(), principal_id };
            let reply = service.list_control_role_assignments(request).await?.into_inner();
            let names = names(&session, parent).await?;
            let rows: Vec<_> =
                reply.role_assignments.into_iter().map(|one| AssignmentView::new(one, &names)).collect();
            return context.output.print_list(&rows, "there are no matching role assignments");
        }
        AssignmentCommand::Create(args) => {
            let parent = args.scope.parent(&session)?;
            let request = pb::CreateControlRoleAssignmentRequest {
                parent: parent.clone(),
                role_assignment_id: args.id.map(|id| id.to_string()).unwrap_or_default(),
                role_definition: definition::role_id(&session, &parent, &args.role).await?,
                principal_id: resolve_object_id(session.connection.as_ref(), &args.assignee)?.to_string(),
            };
            (parent, service.create_control_role_assignment(request).await?)
        }
        AssignmentCommand::Show(args) => {
            let name = args.resource_name(&session)?;
            let request = pb::GetControlRoleAssignmentRequest { name };
            (args.scope.parent(&session)?, service.get_control_role_assignment(request).await?)
        }
        AssignmentCommand::Delete(args) => {
            let name = args.resource_name(&session)?;
            let request = pb::DeleteControlRoleAssignmentRequest { name };
            (args.scope.parent(&session)?, service.delete_control_role_assignment(request).await?)
        }
    };
    let names = names(&session, parent).await?;
    let assignment = AssignmentView::new(assignment.into_inner(), &names);
    context.output.print(&assignment, || assignment.text())
}
