//! `strongroom group`: resource groups, which hold managed HSMs.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::failure::Outcome;
use super::output::Row;
use super::session::Session;
use super::{Context, table, when};
use crate::api::grpc::pb;
use crate::model::Timestamp;
use crate::model::resource::ResourceGroupName;

/// What can be done with resource groups.
#[derive(Subcommand, Clone, Debug)]
pub enum GroupCommand {
    /// List the resource groups of the subscription
    List,
    /// Show a resource group
    Show(GroupArgs),
    /// Make a resource group
    Create(CreateArgs),
    /// Delete a resource group that holds no managed HSM, with the role assignments in it
    Delete(GroupArgs),
}

/// Which resource group.
#[derive(Args, Clone, Debug)]
pub struct GroupArgs {
    /// Its name
    name: ResourceGroupName,
}

/// A new resource group.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Its name
    name: ResourceGroupName,
    /// Where its record is; `location list` shows what there is
    #[arg(long, default_value = "localhost")]
    location: String,
}

#[derive(Serialize)]
struct View {
    name: String,
    resource_group: String,
    location: String,
    created: Option<Timestamp>,
}

impl From<pb::ResourceGroup> for View {
    fn from(group: pb::ResourceGroup) -> Self {
        Self {
            resource_group: group.name.rsplit('/').next().unwrap_or_default().to_owned(),
            name: group.name,
            location: group.location,
            created: when::from_wire(group.created),
        }
    }
}

impl View {
    fn created(&self) -> String {
        self.created.map(|at| at.to_string()).unwrap_or_default()
    }

    fn text(&self) -> String {
        table::fields(&[
            ("name", self.resource_group.clone()),
            ("location", self.location.clone()),
            ("created", self.created()),
        ])
    }
}

impl Row for View {
    const HEADINGS: &'static [&'static str] = &["NAME", "LOCATION", "CREATED"];

    fn cells(&self) -> Vec<String> {
        vec![self.resource_group.clone(), self.location.clone(), self.created()]
    }
}

/// The resource name of a group of the subscription that is meant.
fn resource_name(session: &Session, group: &ResourceGroupName) -> Outcome<String> {
    Ok(format!("subscriptions/{}/resourceGroups/{group}", session.subscription()?))
}

/// Runs one of them.
pub(super) async fn run(context: &Context, command: GroupCommand) -> Outcome {
    let session = context.connect().await?;
    let mut service = session.resources();
    let group = match command {
        GroupCommand::List => {
            let parent = format!("subscriptions/{}", session.subscription()?);
            let reply = service.list_resource_groups(pb::ListResourceGroupsRequest { parent }).await?;
            let rows: Vec<View> = reply.into_inner().resource_groups.into_iter().map(Into::into).collect();
            return context.output.print_list(&rows, "there are no resource groups");
        }
        GroupCommand::Show(GroupArgs { name }) => {
            let name = resource_name(&session, &name)?;
            service.get_resource_group(pb::GetResourceGroupRequest { name }).await?
        }
        GroupCommand::Create(CreateArgs { name, location }) => {
            let parent = format!("subscriptions/{}", session.subscription()?);
            let resource_group_id = name.to_string();
            let request = pb::CreateResourceGroupRequest { parent, resource_group_id, location };
            service.create_resource_group(request).await?
        }
        GroupCommand::Delete(GroupArgs { name }) => {
            let name = resource_name(&session, &name)?;
            service.delete_resource_group(pb::DeleteResourceGroupRequest { name }).await?
        }
    };
    let view = View::from(group.into_inner());
    context.output.print(&view, || view.text())
}
