//! `strongroom group`: resource groups, which hold managed HSMs.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::failure::{Failure, Outcome};
use super::key::{tag, tags};
use super::output::{Row, note};
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
    /// Change the tags of a resource group
    Update(UpdateArgs),
    /// Delete a resource group with the role assignments in it, and the managed HSMs in it softly
    Delete(DeleteArgs),
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
    /// A tag; may be repeated
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
}

/// New tags, of which resource group.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    /// Its name
    name: ResourceGroupName,
    #[command(flatten)]
    changes: Changes,
}

/// What to change.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Changes {
    /// A tag; may be repeated. All tags are replaced
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Take all tags away
    #[arg(long, conflicts_with = "tags")]
    clear_tags: bool,
}

/// Which resource group is deleted.
#[derive(Args, Clone, Debug)]
pub struct DeleteArgs {
    /// Its name
    name: ResourceGroupName,
    /// Delete the managed HSMs in it without asking
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
            created: when::from_wire(group.created),
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

/// The names of the live HSMs in a group.
async fn live_hsms(session: &Session, group: &str) -> Outcome<Vec<String>> {
    let mut service = session.hsms();
    let mut request = pb::ListManagedHsmsRequest { parent: group.to_owned(), ..Default::default() };
    let mut names = Vec::new();
    loop {
        let page = service.list_managed_hsms(request.clone()).await?.into_inner();
        let name = |hsm: pb::ManagedHsm| hsm.name.rsplit('/').next().unwrap_or_default().to_owned();
        names.extend(page.managed_hsms.into_iter().map(name));
        if page.next_page_token.is_empty() {
            return Ok(names);
        }
        request.page_token = page.next_page_token;
    }
}

/// Asks whether these HSMs are to be deleted, if there is somebody to answer.
fn confirm(hsms: &[String]) -> Outcome {
    if hsms.is_empty() {
        return Ok(());
    }
    let what = format!("the group holds managed HSMs, which are deleted softly with it: {}", hsms.join(", "));
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
    Err(Failure::problem(what).hint("--yes deletes them without asking"))
}

/// Runs one of them.
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
                confirm(&live_hsms(&session, &name).await?)?;
            }
            service.delete_resource_group(pb::DeleteResourceGroupRequest { name }).await?
        }
    };
    let view = View::from(group.into_inner());
    context.output.print(&view, || view.text())
}
