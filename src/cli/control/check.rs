//! `strongroom control check`

use clap::Args;
use uuid::Uuid;

use super::ScopeArgs;
use crate::api::grpc::pb;
use crate::cli::connection::resolve_object_id;
use crate::cli::failure::Outcome;
use crate::cli::{Context, access};
use crate::model::arm_rbac::ControlAction;

/// The principal, the action and the scope to check.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Name of a simulator principal, or object id of a principal
    #[arg(long, value_name = "NAME|OBJECT-ID")]
    principal: String,
    /// Object ids of the groups that the principal is a member of
    #[arg(long = "member-of", value_name = "OBJECT-ID", value_delimiter = ',')]
    groups: Vec<Uuid>,
    /// Action, for example Microsoft.KeyVault/managedHSMs/delete
    #[arg(long)]
    action: ControlAction,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// Checks access and prints the decision.
pub(super) async fn run(context: &Context, args: CheckArgs) -> Outcome {
    let session = context.connect_control().await?;
    let principal_id = resolve_object_id(session.connection.as_ref(), &args.principal)?.to_string();
    let request = pb::CheckControlAccessRequest {
        parent: args.scope.parent(&session)?,
        principal_id: principal_id.clone(),
        group_ids: args.groups.iter().map(Uuid::to_string).collect(),
        action: args.action.to_string(),
        actions: Vec::new(),
    };
    let reply = session.authorization().check_control_access(request).await?.into_inner();
    access::print_decision(context, principal_id, reply)
}
