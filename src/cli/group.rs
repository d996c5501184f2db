//! `strongroom group`: resource groups, which contain managed HSMs and vaults.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::container::last;
use super::failure::{Failure, Outcome};
use super::key::{tag, tags};
use super::output::{TableRow, note};
use super::session::Session;
use super::{Context, table, time_argument};
use crate::api::grpc::pb;
use crate::model::Timestamp;
use crate::model::resource::ResourceGroupName;

/// Subcommands of `strongroom group`.
#[derive(Subcommand, Clone, Debug)]
pub enum GroupCommand {
    /// List the resource groups of the subscription
    List,
    /// Show a resource group
    Show(GroupArgs),
    /// Create a resource group
    Create(CreateArgs),
    /// Update the tags of a resource group
    Update(UpdateArgs),
    /// Delete a resource group with its role assignments, and soft-delete the managed HSMs and vaults in it
    Delete(DeleteArgs),
}

/// Selects a resource group.
#[derive(Args, Clone, Debug)]
pub struct GroupArgs {
    /// Name of the resource group
    name: ResourceGroupName,
}

/// A new resource group.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the resource group
    name: ResourceGroupName,
    /// Location of the metadata of the resource group; `location list` shows the locations
    #[arg(long, default_value = "localhost")]
    location: String,
    /// Tag (repeatable)
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
}

/// A resource group and its new tags.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    /// Name of the resource group
    name: ResourceGroupName,
    #[command(flatten)]
    changes: Changes,
}

/// The changes.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Tag (repeatable); replaces all existing tags
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Remove all tags
    #[arg(long, conflicts_with = "tags")]
    clear_tags: bool,
}

/// The resource group to delete.
#[derive(Args, Clone, Debug)]
pub struct DeleteArgs {
    /// Name of the resource group
    name: ResourceGroupName,
    /// Delete the managed HSMs and vaults in it without confirmation
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct View {
    name: String,
    resource_group: String,
    location: String,
    created: Option<Timestamp>,
    tags: BTreeMap<String, String>,
}

impl From<pb::ResourceGroup> for View {
    fn from(group: pb::ResourceGroup) -> Self {
        Self {
            resource_group: group.name.rsplit('/').next().unwrap_or_default().to_owned(),
            name: group.name,
            location: group.location,
            created: time_argument::from_wire(group.created),
            tags: group.tags.into_iter().collect(),
        }
    }
}

impl View {
    fn created(&self) -> String {
        self.created.map(|at| at.to_string()).unwrap_or_default()
    }

    fn text(&self) -> String {
        let tags: Vec<_> = self.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        table::fields(&[
            ("name", self.resource_group.clone()),
            ("location", self.location.clone()),
            ("created", self.created()),
            ("tags", tags.join(", ")),
        ])
    }
}

impl TableRow for View {
    const HEADINGS: &'static [&'static str] = &["NAME", "LOCATION", "CREATED"];

    fn cells(&self) -> Vec<String> {
        vec![self.resource_group.clone(), self.location.clone(), self.created()]
    }
}

/// Returns the resource name of a group in the selected subscription.
fn resource_name(session: &Session, group: &ResourceGroupName) -> Outcome<String> {
    Ok(format!("subscriptions/{}/resourceGroups/{group}", session.subscription()?))
}

/// Asks for confirmation to delete these resources. Errors without it, or if standard input is not a terminal.
fn confirm(hsms: &[pb::ManagedHsm], vaults: &[pb::Vault]) -> Outcome {
    let kinds = [("managed HSMs", hsms.is_empty()), ("vaults", vaults.is_empty())];
    let kinds: Vec<_> = kinds.into_iter().filter(|(_, none)| !none).map(|(kind, _)| kind).collect();
    if kinds.is_empty() {
        return Ok(());
    }
    let names = hsms.iter().map(|hsm| &hsm.name).chain(vaults.iter().map(|vault| &vault.name));
    let names: Vec<_> = names.map(|name| last(name)).collect();
    let what = format!(
        "the resource group contains {}, which are soft-deleted with it: {}",
        kinds.join(" and "),
        names.join(", ")
    );
    let mut answer = String::new();
    if std::io::stdin().is_terminal() {
        note(&format!("{what}. Delete them? [y/N]"));
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|error| Failure::file("standard input", &error))?;
    }
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Failure::problem(what).hint("--yes deletes them without confirmation"))
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: GroupCommand) -> Outcome {
    let session = context.connect_control().await?;
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
        GroupCommand::Create(CreateArgs { name, location, tags: given }) => {
            let parent = format!("subscriptions/{}", session.subscription()?);
            let resource_group_id = name.to_string();
            let tags = tags(&given)?;
            let request = pb::CreateResourceGroupRequest { parent, resource_group_id, location, tags };
            service.create_resource_group(request).await?
        }
        GroupCommand::Update(UpdateArgs { name, changes }) => {
            let (name, tags) = (resource_name(&session, &name)?, tags(&changes.tags)?);
            let update_mask = Some(prost_types::FieldMask { paths: vec!["tags".to_owned()] });
            service.update_resource_group(pb::UpdateResourceGroupRequest { name, tags, update_mask }).await?
        }
        GroupCommand::Delete(DeleteArgs { name, yes }) => {
            let name = resource_name(&session, &name)?;
            if !yes {
                let hsms = super::hsm::fetch_all(&session, &name).await?;
                confirm(&hsms, &super::vault::fetch_all(&session, &name).await?)?;
            }
            service.delete_resource_group(pb::DeleteResourceGroupRequest { name }).await?
        }
    };
    let view = View::from(group.into_inner());
    context.output.print(&view, || view.text())
}
