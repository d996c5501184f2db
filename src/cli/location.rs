//! `strongroom location`: lists the locations of resources.

use clap::Subcommand;
use serde::Serialize;

use super::Context;
use super::failure::Outcome;
use super::output::TableRow;
use crate::api::grpc::pb;

/// Subcommands of `strongroom location`.
#[derive(Subcommand, Clone, Debug)]
pub enum LocationCommand {
    /// List the locations that resources can be created in
    List,
}

#[derive(Serialize)]
struct View {
    name: String,
    display_name: String,
}

impl TableRow for View {
    const HEADINGS: &'static [&'static str] = &["NAME", "DISPLAY NAME"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.clone(), self.display_name.clone()]
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, LocationCommand::List: LocationCommand) -> Outcome {
    let session = context.connect_control().await?;
    let parent = format!("subscriptions/{}", session.subscription()?);
    let reply = session.resources().list_locations(pb::ListLocationsRequest { parent }).await?.into_inner();
    let view = |location: pb::Location| View {
        name: location.name.rsplit('/').next().unwrap_or_default().to_owned(),
        display_name: location.display_name,
    };
    let rows: Vec<View> = reply.locations.into_iter().map(view).collect();
    context.output.print_list(&rows, "there are no locations")
}
