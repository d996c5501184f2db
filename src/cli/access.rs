//! `strongroom access`: checks access of principals by local RBAC.

use clap::Subcommand;
use serde::Serialize;
use uuid::Uuid;

use super::Context;
use super::connection::resolve_object_id;
use super::failure::{Failure, Outcome};
use crate::api::grpc::pb;
use crate::model::local_rbac::{DataAction, LocalScope};

/// Subcommands of `strongroom access`.
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// Check whether a principal is granted a data action, and why; exit code is 1 if not
    Check {
        /// Name of a simulator principal, or object id of a principal
        #[arg(long, value_name = "NAME|OBJECT-ID")]
        principal: String,
        /// Object ids of the groups that the principal is a member of
        #[arg(long = "group", value_name = "OBJECT-ID", value_delimiter = ',')]
        groups: Vec<Uuid>,
        /// Data action in full or abbreviated, for example keys/sign
        #[arg(long)]
        action: DataAction,
        /// Scope: /, /keys or /keys/NAME
        #[arg(long)]
        scope: LocalScope,
    },
}

#[derive(Serialize)]
struct Printed {
    allowed: bool,
    principal_id: String,
    action: String,
    scope: String,
    role_name: Option<String>,
    role_assignment: Option<String>,
    reason: String,
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: AccessCommand) -> Outcome {
    let AccessCommand::Check { principal, groups, action, scope } = command;
    let session = context.connect().await?;
    let principal_id = resolve_object_id(session.connection.as_ref(), &principal)?.to_string();
    let request = pb::CheckAccessRequest {
        parent: session.parent()?,
        principal_id: principal_id.clone(),
        group_ids: groups.iter().map(Uuid::to_string).collect(),
        action: action.to_string(),
        scope: scope.to_string(),
        actions: Vec::new(),
    };
    let reply = session.access().check_access(request).await?.into_inner();
    print_decision(context, principal_id, reply)
}

/// Prints an access decision. Errs with [`Failure::NegativeResult`] if access is refused, which sets the exit code to 1.
pub(super) fn print_decision(
    context: &Context,
    principal_id: String,
    reply: pb::CheckAccessResponse,
) -> Outcome {
    let printed = Printed {
        allowed: reply.allowed,
        principal_id,
        action: reply.action,
        scope: reply.scope,
        role_name: Some(reply.role_name).filter(|name| !name.is_empty()),
        role_assignment: reply.role_assignment.map(|assignment| assignment.name),
        reason: reply.reason,
    };
    let verdict = if printed.allowed { "allowed" } else { "refused" };
    context.output.print_value(&printed, &format!("{verdict}: {}", printed.reason))?;
    if printed.allowed { Ok(()) } else { Err(Failure::NegativeResult) }
}
