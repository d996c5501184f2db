//! `strongroom role definition`

use clap::{Args, Subcommand};
use serde::Serialize;
use uuid::Uuid;

use super::lookup;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::output::TableRow;
use crate::cli::{Context, table};
use crate::model::local_rbac::{DATA_ACTION_PREFIX, DataAction};

/// Subcommands of `strongroom role definition`.
#[derive(Debug, Subcommand)]
pub enum DefinitionCommand {
    /// List the built-in roles, then the custom roles
    List,
    /// Show a role definition
    Show(RoleArgs),
    /// Create or replace a custom role
    Create(CreateArgs),
    /// Delete a custom role; its assignments remain, but grant nothing
    Delete(RoleArgs),
}

/// Selects a role.
#[derive(Args, Clone, Debug)]
pub struct RoleArgs {
    /// Name of the role, with or without "Managed HSM", or its id
    #[arg(value_name = "NAME|ID")]
    role: String,
}

/// The custom role to create.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the role
    name: String,
    /// Id of the role [default: a random one]; replaces the custom role with this id
    #[arg(long, value_name = "GUID")]
    id: Option<Uuid>,
    /// Description of the role
    #[arg(long, default_value = "", value_name = "TEXT")]
    description: String,
    /// Data action to grant: keys/sign, or a pattern like keys/* (repeatable)
    #[arg(long = "data-action", required = true, value_delimiter = ',', value_parser = data_action, value_name = "ACTION")]
    data_actions: Vec<String>,
    /// Data action to exclude from the granted ones (repeatable)
    #[arg(long = "not-data-action", value_delimiter = ',', value_parser = data_action, value_name = "ACTION")]
    not_data_actions: Vec<String>,
}

/// Parses a data action in full or abbreviated, or a pattern, and returns it in full.
fn data_action(text: &str) -> Result<String, crate::model::field::InvalidValue> {
    if !text.contains('*') {
        return text.parse::<DataAction>().map(|action| action.to_string());
    }
    let is_full = text.starts_with('*') || text.to_ascii_lowercase().starts_with("microsoft.");
    Ok(if is_full {
        text.to_owned()
    } else {
        format!("{DATA_ACTION_PREFIX}/{}", text.trim_start_matches('/'))
    })
}

/// A permission block of a role definition.
#[derive(Serialize)]
pub(in crate::cli) struct PermissionView {
    actions: Vec<String>,
    not_actions: Vec<String>,
    data_actions: Vec<String>,
    not_data_actions: Vec<String>,
}

/// The printed form of a role definition.
#[derive(Serialize)]
pub(in crate::cli) struct DefinitionView {
    name: String,
    id: String,
    role_name: String,
    description: String,
    r#type: String,
    permissions: Vec<PermissionView>,
    assignable_scopes: Vec<String>,
}

impl From<pb::RoleDefinition> for DefinitionView {
    fn from(role: pb::RoleDefinition) -> Self {
        let permissions = role.permissions.into_iter().map(|block| PermissionView {
            actions: block.actions,
            not_actions: block.not_actions,
            data_actions: block.data_actions,
            not_data_actions: block.not_data_actions,
        });
        Self {
            id: lookup::id(&role.name).to_owned(),
            name: role.name,
            role_name: role.role_name,
            description: role.description,
            r#type: role.r#type,
            permissions: permissions.collect(),
            assignable_scopes: role.assignable_scopes,
        }
    }
}

impl DefinitionView {
    /// Formats the role as text, with its data actions.
    fn text(&self) -> String {
        self.text_with(|block| (&block.data_actions, &block.not_data_actions))
    }

    /// Formats the role as text, with its control plane actions, its data actions in vaults, and where it can be assigned.
    pub(in crate::cli) fn control_text(&self) -> String {
        let mut fields = self.fields_with(|block| (&block.actions, &block.not_actions));
        for block in &self.permissions {
            fields.extend(block.data_actions.iter().map(|action| ("grants in vaults", action.clone())));
            fields.extend(block.not_data_actions.iter().map(|action| ("except in vaults", action.clone())));
        }
        // A built-in role can be assigned everywhere.
        let scopes = self.assignable_scopes.iter().filter(|scope| *scope != "/");
        fields.extend(scopes.map(|scope| ("assignable at", scope.clone())));
        table::fields(&fields)
    }

    fn text_with(&self, lists: fn(&PermissionView) -> (&[String], &[String])) -> String {
        table::fields(&self.fields_with(lists))
    }

    fn fields_with(
        &self,
        lists: fn(&PermissionView) -> (&[String], &[String]),
    ) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("role", self.role_name.clone()),
            ("id", self.id.clone()),
            ("type", self.r#type.clone()),
            ("description", self.description.clone()),
        ];
        for block in &self.permissions {
            let (granted, excluded) = lists(block);
            fields.extend(granted.iter().map(|action| ("grants", action.clone())));
            fields.extend(excluded.iter().map(|action| ("except", action.clone())));
        }
        fields
    }
}

impl TableRow for DefinitionView {
    const HEADINGS: &'static [&'static str] = &["ROLE", "TYPE", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.role_name.clone(), self.r#type.clone(), self.id.clone()]
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: DefinitionCommand) -> Outcome {
    let session = context.connect().await?;
    let mut service = session.access();
    let role = match command {
        DefinitionCommand::List => {
            let roles = lookup::definitions(&session).await?;
            let rows: Vec<_> = roles.into_iter().map(DefinitionView::from).collect();
            return context.output.print_list(&rows, "there are no role definitions");
        }
        DefinitionCommand::Show(RoleArgs { role }) => {
            let name = lookup::definition_name(&session, &role).await?;
            service.get_role_definition(pb::GetRoleDefinitionRequest { name }).await?
        }
        DefinitionCommand::Create(args) => {
            let request = pb::PutRoleDefinitionRequest {
                parent: session.parent()?,
                role_definition_id: args.id.map(|id| id.to_string()).unwrap_or_default(),
                role_definition: Some(pb::RoleDefinition {
                    role_name: args.name,
                    description: args.description,
                    permissions: vec![pb::Permission {
                        data_actions: args.data_actions,
                        not_data_actions: args.not_data_actions,
                        ..Default::default()
                    }],
                    ..Default::default()
                }),
            };
            service.put_role_definition(request).await?
        }
        DefinitionCommand::Delete(RoleArgs { role }) => {
            let name = lookup::definition_name(&session, &role).await?;
            service.delete_role_definition(pb::DeleteRoleDefinitionRequest { name }).await?
        }
    };
    let role = DefinitionView::from(role.into_inner());
    context.output.print(&role, || role.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_abbreviated_data_actions() {
        for (text, full) in [
            ("keys/sign", "Microsoft.KeyVault/managedHsm/keys/sign/action"),
            ("keys/*", "Microsoft.KeyVault/managedHsm/keys/*"),
            ("Microsoft.KeyVault/managedHsm/*", "Microsoft.KeyVault/managedHsm/*"),
            ("*", "*"),
        ] {
            assert_eq!(data_action(text).unwrap(), full);
        }
        assert!(data_action("keys/sing").is_err());
    }
}
