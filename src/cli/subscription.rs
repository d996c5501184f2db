//! `strongroom subscription`: shows and updates subscriptions.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::failure::Outcome;
use super::output::TableRow;
use super::{Context, table};
use crate::api::grpc::pb;

/// Subcommands of `strongroom subscription`.
#[derive(Subcommand, Clone, Debug)]
pub enum SubscriptionCommand {
    /// List the subscriptions in which the caller has a role
    List,
    /// Show the subscription that --subscription selects
    Show,
    /// Update the subscription that --subscription selects
    Update(UpdateArgs),
}

/// The changes.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    /// Protect the subscription: it cannot be canceled, nor deleted resources in it be purged (irreversible)
    #[arg(long, required = true)]
    undeletable: bool,
}

#[derive(Serialize)]
struct View {
    name: String,
    id: String,
    display_name: String,
    tenant_id: String,
    undeletable: bool,
}

impl From<pb::Subscription> for View {
    fn from(subscription: pb::Subscription) -> Self {
        Self {
            id: subscription.name.rsplit('/').next().unwrap_or_default().to_owned(),
            name: subscription.name,
            display_name: subscription.display_name,
            tenant_id: subscription.tenant_id,
            undeletable: subscription.undeletable,
        }
    }
}

impl View {
    fn text(&self) -> String {
        table::fields(&[
            ("name", self.display_name.clone()),
            ("id", self.id.clone()),
            ("tenant", self.tenant_id.clone()),
            ("undeletable", self.undeletable.to_string()),
        ])
    }
}

impl TableRow for View {
    const HEADINGS: &'static [&'static str] = &["NAME", "ID", "TENANT", "UNDELETABLE"];

    fn cells(&self) -> Vec<String> {
        let undeletable = self.undeletable.to_string();
        vec![self.display_name.clone(), self.id.clone(), self.tenant_id.clone(), undeletable]
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: SubscriptionCommand) -> Outcome {
    let session = context.connect_control().await?;
    let mut service = session.resources();
    let subscription = match command {
        SubscriptionCommand::List => {
            let reply = service.list_subscriptions(pb::ListSubscriptionsRequest {}).await?.into_inner();
            let rows: Vec<View> = reply.subscriptions.into_iter().map(Into::into).collect();
            return context.output.print_list(&rows, "no role in any subscription");
        }
        SubscriptionCommand::Show => {
            let name = format!("subscriptions/{}", session.subscription()?);
            service.get_subscription(pb::GetSubscriptionRequest { name }).await?
        }
        SubscriptionCommand::Update(UpdateArgs { undeletable }) => {
            let name = format!("subscriptions/{}", session.subscription()?);
            let update_mask = Some(prost_types::FieldMask { paths: vec!["undeletable".to_owned()] });
            let request = pb::UpdateSubscriptionRequest { name, undeletable, update_mask };
            service.update_subscription(request).await?
        }
    };
    let view = View::from(subscription.into_inner());
    context.output.print(&view, || view.text())
}
