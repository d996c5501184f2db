//! `strongroom vault policy`: the access policies of a vault

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::VaultArgs;
use super::view::VaultView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::connection::resolve_object_id;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;

/// Subcommands of `strongroom vault policy`.
#[derive(Subcommand, Clone, Debug)]
pub enum PolicyCommand {
    /// Add permissions to the access policy of a principal
    Add(PermissionArgs),
    /// Set the permissions of a principal; lists that are not given are kept
    Set(PermissionArgs),
    /// Remove permissions from the access policy of a principal
    Remove(PermissionArgs),
    /// Delete the access policy of a principal
    Delete(PolicyArgs),
}

/// Selects an access policy.
#[derive(Args, Clone, Debug)]
pub struct PolicyArgs {
    #[command(flatten)]
    vault: VaultArgs,
    /// A principal of the simulator, or the object id of a user, service principal or group
    #[arg(long, value_name = "NAME|OBJECT-ID")]
    principal: String,
    /// Client id of the application that acts on behalf of the principal
    #[arg(long, value_name = "CLIENT-ID")]
    application: Option<Uuid>,
}

/// An access policy and permissions.
#[derive(Args, Clone, Debug)]
pub struct PermissionArgs {
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    permissions: Permissions,
}

/// The permissions.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Permissions {
    /// Permissions for keys, for example get,list; an empty list for none
    #[arg(long, value_delimiter = ',', value_name = "PERMISSIONS")]
    keys: Option<Vec<String>>,
    /// Permissions for secrets
    #[arg(long, value_delimiter = ',', value_name = "PERMISSIONS")]
    secrets: Option<Vec<String>>,
    /// Permissions for certificates
    #[arg(long, value_delimiter = ',', value_name = "PERMISSIONS")]
    certificates: Option<Vec<String>>,
    /// Permissions for managed storage accounts
    #[arg(long, value_delimiter = ',', value_name = "PERMISSIONS")]
    storage: Option<Vec<String>>,
}

impl From<Permissions> for pb::AccessPermissions {
    fn from(given: Permissions) -> Self {
        // An empty argument is parsed as one empty name.
        let names = |list: Option<Vec<String>>| {
            list.map(|names| pb::PermissionNames {
                names: names.into_iter().filter(|name| !name.is_empty()).collect(),
            })
        };
        Self {
            keys: names(given.keys),
            secrets: names(given.secrets),
            certificates: names(given.certificates),
            storage: names(given.storage),
        }
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: PolicyCommand) -> Outcome {
    let session = context.connect_control().await?;
    let (selected, permissions, change) = match command {
        PolicyCommand::Add(args) => (args.policy, Some(args.permissions), "add"),
        PolicyCommand::Set(args) => (args.policy, Some(args.permissions), "replace"),
        PolicyCommand::Remove(args) => (args.policy, Some(args.permissions), "remove"),
        PolicyCommand::Delete(policy) => (policy, None, "remove"),
    };
    let name = selected.vault.resource(&session)?;
    let vault = session.vaults().get_vault(pb::GetVaultRequest { name }).await?.into_inner();
    let (existing, new) = selected.find(&session, &vault)?;
    let permissions = match (permissions, existing) {
        (Some(given), existing) if change == "replace" => {
            let (given, kept) = (pb::AccessPermissions::from(given), existing.unwrap_or_default());
            pb::AccessPermissions {
                keys: given.keys.or(kept.keys),
                secrets: given.secrets.or(kept.secrets),
                certificates: given.certificates.or(kept.certificates),
                storage: given.storage.or(kept.storage),
            }
        }
        (Some(given), _) => given.into(),
        (None, Some(existing)) => existing,
        (None, None) => {
            let principal = &selected.principal;
            return Err(Failure::problem(format!("the vault has no access policy for {principal}")));
        }
    };
    let request = pb::UpdateVaultAccessPoliciesRequest {
        name: vault.name,
        change: change.to_owned(),
        access_policies: vec![pb::AccessPolicy { permissions: Some(permissions), ..new }],
    };
    let reply = session.vaults().update_vault_access_policies(request).await?;
    let vault = VaultView::from(reply.into_inner());
    context.output.print(&vault, || vault.text())
}

impl PolicyArgs {
    /// Returns the permissions of the policy in the vault, if there is one, and the policy without permissions.
    fn find(
        &self,
        session: &Session,
        vault: &pb::Vault,
    ) -> Outcome<(Option<pb::AccessPermissions>, pb::AccessPolicy)> {
        let principal = resolve_object_id(session.connection.as_ref(), &self.principal)?;
        let new = pb::AccessPolicy {
            tenant_id: vault.tenant_id.clone(),
            principal_id: principal.to_string(),
            application_id: self.application.map(|id| id.to_string()).unwrap_or_default(),
            permissions: None,
        };
        let is_same = |policy: &&pb::AccessPolicy| {
            (&policy.principal_id, &policy.application_id) == (&new.principal_id, &new.application_id)
        };
        let existing = vault.access_policies.iter().find(is_same);
        Ok((existing.map(|policy| policy.permissions.clone().unwrap_or_default()), new))
    }
}
