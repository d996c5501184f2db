//! `strongroom role assignment`

use clap::{Args, Subcommand};
use serde::Serialize;
use tonic::Code;
use uuid::Uuid;

use super::lookup;
use crate::api::grpc::pb;
use crate::cli::connection::{Connection, resolve_object_id};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::TableRow;
use crate::cli::session::Session;
use crate::cli::{Context, table};
use crate::model::local_rbac::LocalScope;

/// Subcommands of `strongroom role assignment`.
#[derive(Debug, Subcommand)]
pub enum AssignmentCommand {
    /// List role assignments
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
    /// List only assignments at exactly this scope: /, /keys or /keys/NAME
    #[arg(long)]
    scope: Option<LocalScope>,
    /// List only assignments of this principal
    #[arg(long, value_name = "NAME|OBJECT-ID")]
    assignee: Option<String>,
}

/// The role assignment to create.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the role, with or without "Managed HSM", or its id
    #[arg(long, value_name = "NAME|ID")]
    role: String,
    /// Name of a simulator principal, or object id of a user, service principal or group
    #[arg(long, value_name = "NAME|OBJECT-ID")]
    assignee: String,
    /// Scope: /, /keys or /keys/NAME
    #[arg(long)]
    scope: LocalScope,
    /// Id of the assignment [default: a random one]
    #[arg(long, value_name = "GUID")]
    id: Option<Uuid>,
}

/// Selects a role assignment.
#[derive(Args, Clone, Debug)]
pub struct AssignmentArgs {
    /// Id or resource name of the assignment, as `role assignment list` shows it
    #[arg(value_name = "ID")]
    assignment: String,
}

impl AssignmentArgs {
    fn resource_name(&self, session: &Session) -> Outcome<String> {
        lookup::resource_name(session, "roleAssignments", &self.assignment)?.ok_or_else(|| {
            Failure::problem(format!("{:?} is not the id of a role assignment", self.assignment))
                .hint("`strongroom role assignment list` shows the ids")
        })
    }
}

/// The printed form of a role assignment.
#[derive(Serialize)]
pub(in crate::cli) struct AssignmentView {
    name: String,
    id: String,
    role_definition: String,
    role_name: Option<String>,
    principal_id: String,
    principal_name: Option<String>,
    scope: String,
}

impl AssignmentView {
    /// Converts the assignment, with the names of role and principal if known.
    pub(in crate::cli) fn new(assignment: pb::RoleAssignment, names: &DisplayNames<'_>) -> Self {
        let wanted = lookup::id(&assignment.role_definition);
        let role = names.roles.iter().find(|role| lookup::id(&role.name) == wanted);
        let principals = names.connection.map(|connection| connection.principals.as_slice());
        let principal = principals
            .unwrap_or_default()
            .iter()
            .find(|principal| principal.object_id.to_string().eq_ignore_ascii_case(&assignment.principal_id));
        Self {
            id: lookup::id(&assignment.name).to_owned(),
            name: assignment.name,
            role_name: role.map(|role| role.role_name.clone()),
            role_definition: assignment.role_definition,
            principal_name: principal.map(|principal| principal.name.clone()),
            principal_id: assignment.principal_id,
            scope: assignment.scope,
        }
    }

    fn role(&self) -> &str {
        self.role_name.as_deref().unwrap_or_else(|| lookup::id(&self.role_definition))
    }

    fn principal(&self) -> &str {
        self.principal_name.as_deref().unwrap_or(&self.principal_id)
    }

    /// Formats the fields as text.
    pub(in crate::cli) fn text(&self) -> String {
        table::fields(&[
            ("role", self.role().to_owned()),
            ("principal", self.principal().to_owned()),
            ("scope", self.scope.clone()),
            ("id", self.id.clone()),
        ])
    }
}

impl TableRow for AssignmentView {
    const HEADINGS: &'static [&'static str] = &["PRINCIPAL", "ROLE", "SCOPE", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.principal().to_owned(), self.role().to_owned(), self.scope.clone(), self.id.clone()]
    }
}

/// The names of roles and principals, by id.
pub(in crate::cli) struct DisplayNames<'a> {
    pub(in crate::cli) roles: Vec<pb::RoleDefinition>,
    pub(in crate::cli) connection: Option<&'a Connection>,
}

impl<'a> DisplayNames<'a> {
    /// Fetches the role definitions. Without permission to list them, ids are printed instead of names.
    async fn fetch(session: &'a Session) -> Outcome<Self> {
        let request = pb::ListRoleDefinitionsRequest { parent: session.parent()? };
        let roles = match session.access().list_role_definitions(request).await {
            Ok(reply) => reply.into_inner().role_definitions,
            Err(status) if status.code() == Code::PermissionDenied => Vec::new(),
            Err(status) => return Err(status.into()),
        };
        Ok(Self { roles, connection: session.connection.as_ref() })
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: AssignmentCommand) -> Outcome {
    let session = context.connect().await?;
    let mut service = session.access();
    let assignment = match command {
        AssignmentCommand::List(args) => {
            let principal = args.assignee.map(|name| resolve_object_id(session.connection.as_ref(), &name));
            let request = pb::ListRoleAssignmentsRequest {
                parent: session.parent()?,
                scope: args.scope.map(|scope| scope.to_string()).unwrap_or_default(),
                principal_id: principal.transpose()?.map(|id| id.to_string()).unwrap_or_default(),
            };
            let assignments = service.list_role_assignments(request).await?.into_inner().role_assignments;
            let names = DisplayNames::fetch(&session).await?;
            let rows: Vec<_> = assignments.into_iter().map(|one| AssignmentView::new(one, &names)).collect();
            return context.output.print_list(&rows, "there are no matching role assignments");
        }
        AssignmentCommand::Create(args) => {
            let request = pb::CreateRoleAssignmentRequest {
                parent: session.parent()?,
                role_assignment_id: args.id.map(|id| id.to_string()).unwrap_or_default(),
                role_definition: lookup::definition_name(&session, &args.role).await?,
                principal_id: resolve_object_id(session.connection.as_ref(), &args.assignee)?.to_string(),
                scope: args.scope.to_string(),
            };
            service.create_role_assignment(request).await?
        }
        AssignmentCommand::Show(args) => {
            let name = args.resource_name(&session)?;
            service.get_role_assignment(pb::GetRoleAssignmentRequest { name }).await?
        }
        AssignmentCommand::Delete(args) => {
            let name = args.resource_name(&session)?;
            service.delete_role_assignment(pb::DeleteRoleAssignmentRequest { name }).await?
        }
    };
    let names = DisplayNames::fetch(&session).await?;
    let assignment = AssignmentView::new(assignment.into_inner(), &names);
    context.output.print(&assignment, || assignment.text())
}
