//! `strongroom control role definition`

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::ScopeArgs;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::role::definition::DefinitionView;
use crate::cli::role::lookup;
use crate::cli::session::Session;
use crate::model::arm_rbac::ControlScope;

/// Subcommands of `strongroom control role definition`.
#[derive(Debug, Subcommand)]
pub enum DefinitionCommand {
    /// List the role definitions
    List(ScopeArgs),
    /// Show a role definition
    Show(ShowArgs),
    /// Create or replace a custom role
    Create(CreateArgs),
    /// Delete a custom role that is not assigned
    Delete(ShowArgs),
}

/// The custom role to create.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the role, unique in the tenant
    name: String,
    /// Id of the role [default: a random one]; replaces the custom role with this id
    #[arg(long, value_name = "GUID")]
    id: Option<Uuid>,
    /// Description of the role
    #[arg(long, default_value = "", value_name = "TEXT")]
    description: String,
    #[command(flatten)]
    lists: ActionLists,
    /// Scope at which the role can be assigned: a subscription or resource group (repeatable) [default: the scope]
    #[arg(long = "assignable-scope", value_name = "SCOPE")]
    assignable_scopes: Vec<ControlScope>,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// What the role grants.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct ActionLists {
    /// Action to grant, or a pattern like Microsoft.KeyVault/vaults/* (repeatable)
    #[arg(long = "action", value_delimiter = ',', value_name = "ACTION")]
    actions: Vec<String>,
    /// Action to exclude from the granted ones (repeatable)
    #[arg(long = "not-action", value_delimiter = ',', value_name = "ACTION")]
    not_actions: Vec<String>,
    /// Data action to grant in vaults with Azure RBAC (repeatable)
    #[arg(long = "data-action", value_delimiter = ',', value_name = "ACTION")]
    data_actions: Vec<String>,
    /// Data action to exclude from the granted ones (repeatable)
    #[arg(long = "not-data-action", value_delimiter = ',', value_name = "ACTION")]
    not_data_actions: Vec<String>,
}

impl CreateArgs {
    fn request(self, session: &Session) -> Outcome<pb::PutControlRoleDefinitionRequest> {
        let assignable = match self.assignable_scopes.as_slice() {
            [] => vec![self.scope.scope(session)?],
            scopes => scopes.to_vec(),
        };
        let ActionLists { actions, not_actions, data_actions, not_data_actions } = self.lists;
        Ok(pb::PutControlRoleDefinitionRequest {
            parent: self.scope.parent(session)?,
            role_definition_id: self.id.map(|id| id.to_string()).unwrap_or_default(),
            role_definition: Some(pb::RoleDefinition {
                role_name: self.name,
                description: self.description,
                permissions: vec![pb::Permission { actions, not_actions, data_actions, not_data_actions }],
                assignable_scopes: assignable.iter().map(ToString::to_string).collect(),
                ..Default::default()
            }),
        })
    }
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
    if Uuid::parse_str(wanted).is_ok() {
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
            print(context, role)
        }
        DefinitionCommand::Create(args) => {
            let request = args.request(&session)?;
            print(context, session.authorization().put_control_role_definition(request).await?.into_inner())
        }
        DefinitionCommand::Delete(ShowArgs { role, scope }) => {
            let parent = scope.parent(&session)?;
            let id = role_id(&session, &parent, &role).await?;
            let request =
                pb::DeleteControlRoleDefinitionRequest { name: format!("{parent}/roleDefinitions/{id}") };
            let role = session.authorization().delete_control_role_definition(request).await?.into_inner();
            print(context, role)
        }
    }
}

fn print(context: &Context, role: pb::RoleDefinition) -> Outcome {
    let role = DefinitionView::from(role);
    context.output.print(&role, || role.control_text())
}
