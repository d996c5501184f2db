//! `strongroom vault check-access`

use clap::Args;
use serde::Serialize;
use uuid::Uuid;

use super::VaultArgs;
use super::view::PolicyView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::connection::resolve_object_id;
use crate::cli::failure::{Failure, Outcome};
use crate::model::field::InvalidValue;
use crate::model::vault_rbac::{ObjectScope, VaultAction};

/// The principal, the action and the object to check.
#[derive(Args, Clone, Debug)]
pub struct AccessArgs {
    #[command(flatten)]
    vault: VaultArgs,
    /// Name of a simulator principal, or object id of a principal
    #[arg(long, value_name = "NAME|OBJECT-ID")]
    principal: String,
    /// Object ids of the groups that the principal is a member of
    #[arg(long = "member-of", value_name = "OBJECT-ID", value_delimiter = ',')]
    groups: Vec<Uuid>,
    /// Client id of the application that calls on behalf of the principal
    #[arg(long, value_name = "CLIENT-ID")]
    application: Option<Uuid>,
    /// Data action in full or abbreviated, for example secrets/getSecret, or permission, for example secrets/get
    #[arg(long, value_parser = known_action)]
    action: String,
    /// Object: secrets/NAME, keys/NAME or certificates/NAME [default: the vault]
    #[arg(long)]
    object: Option<ObjectScope>,
}

/// Checks the name of an action and returns it as given, because several permissions have the same data action.
fn known_action(text: &str) -> Result<String, InvalidValue> {
    text.parse::<VaultAction>().map(|_| text.to_owned())
}

#[derive(Serialize)]
struct Printed {
    allowed: bool,
    principal_id: String,
    action: String,
    permission: String,
    scope: String,
    role_name: Option<String>,
    role_assignment: Option<String>,
    access_policy: Option<PolicyView>,
    reason: String,
}

/// Checks access and prints the decision. Errs with [`Failure::NegativeResult`] if access is refused, which sets the exit code
/// to 1.
pub(super) async fn run(context: &Context, args: AccessArgs) -> Outcome {
    let session = context.connect_control().await?;
    let principal_id = resolve_object_id(session.connection.as_ref(), &args.principal)?.to_string();
    let path = |object: ObjectScope| object.to_string().trim_start_matches('/').to_owned();
    let request = pb::CheckVaultAccessRequest {
        name: args.vault.resource(&session)?,
        principal_id: principal_id.clone(),
        group_ids: args.groups.iter().map(Uuid::to_string).collect(),
        application_id: args.application.map(|id| id.to_string()).unwrap_or_default(),
        action: args.action,
        object: args.object.map(path).unwrap_or_default(),
        actions: Vec::new(),
    };
    let reply = session.vaults().check_vault_access(request).await?.into_inner();
    let printed = Printed {
        allowed: reply.allowed,
        principal_id,
        action: reply.action,
        permission: reply.permission,
        scope: reply.scope,
        role_name: Some(reply.role_name).filter(|name| !name.is_empty()),
        role_assignment: reply.role_assignment.map(|assignment| assignment.name),
        access_policy: reply.access_policy.map(Into::into),
        reason: reply.reason,
    };
    let verdict = if printed.allowed { "allowed" } else { "refused" };
    context.output.print_value(&printed, &format!("{verdict}: {}", printed.reason))?;
    if printed.allowed { Ok(()) } else { Err(Failure::NegativeResult) }
}
