//! `strongroom role definition`

use clap::{Args, Subcommand};
use serde::Serialize;
use uuid::Uuid;

use super::lookup;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::output::Row;
use crate::cli::{Context, table};
use crate::model::rbac::{Action, DATA_ACTION_PREFIX};

/// What can be done with role definitions.
#[derive(Debug, Subcommand)]
pub enum DefinitionCommand {
    /// List the built-in roles, then the custom ones
    List,
    /// Show what a role grants
    Show(RoleArgs),
    /// Create a custom role, or replace it whole
    Create(CreateArgs),
    /// Delete a custom role; its assignments stay and grant nothing
    Delete(RoleArgs),
}

/// Which role.
#[derive(Args, Clone, Debug)]
pub struct RoleArgs {
    /// The role's name, with or without "Managed HSM", or its id
    #[arg(value_name = "NAME|ID")]
    role: String,
}

/// A custom role.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// The name people read
    name: String,
    /// The id; if a custom role has it, that role is replaced
    #[arg(long, value_name = "GUID")]
    id: Option<Uuid>,
    /// What the role is for
    #[arg(long, default_value = "", value_name = "TEXT")]
    description: String,
    /// What it grants: keys/sign, or a pattern like keys/*; may be repeated
    #[arg(long = "data-action", required = true, value_delimiter = ',', value_parser = data_action, value_name = "ACTION")]
    data_actions: Vec<String>,
    /// What it does not grant, whatever else it grants; may be repeated
    #[arg(long = "not-data-action", value_delimiter = ',', value_parser = data_action, value_name = "ACTION")]
    not_data_actions: Vec<String>,
}

/// Reads a data action in full or in short, or a pattern of them.
fn data_action(text: &str) -> Result<String, crate::model::Error> {
    if !text.contains('*') {
        return text.parse::<Action>().map(|action| action.to_string());
    }
    let is_full = text.starts_with('*') || text.to_ascii_lowercase().starts_with("microsoft.");
    Ok(if is_full {
        text.to_owned()
    } else {
        format!("{DATA_ACTION_PREFIX}/{}", text.trim_start_matches('/'))
    })
}

/// One block of it.
#[derive(Serialize)]
pub(in crate::cli) struct PermissionView {
    actions: Vec<String>,
    not_actions: Vec<String>,
    data_actions: Vec<String>,
    not_data_actions: Vec<String>,
}

/// A role definition, as it is printed.
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
    /// For people, with what it grants on the data plane.
    fn text(&self) -> String {
        self.text_with(|block| (&block.data_actions, &block.not_data_actions))
    }

    /// For people, with what it grants on the control plane.
    pub(in crate::cli) fn control_text(&self) -> String {
        self.text_with(|block| (&block.actions, &block.not_actions))
    }

    fn text_with(&self, lists: fn(&PermissionView) -> (&[String], &[String])) -> String {
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
        table::fields(&fields)
    }
}

impl Row for DefinitionView {
    const HEADINGS: &'static [&'static str] = &["ROLE", "TYPE", "ID"];

    fn cells(&self) -> Vec<String> {
        vec![self.role_name.clone(), self.r#type.clone(), self.id.clone()]
    }
}

/// Runs one of them.
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
    fn data_actions_are_completed() {
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
