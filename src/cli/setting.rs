//! `strongroom setting`: shows and updates the settings of a managed HSM.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::failure::Outcome;
use super::output::TableRow;
use super::session::Session;
use super::{Context, table};
use crate::api::grpc::pb;

/// Subcommands of `strongroom setting`.
#[derive(Debug, Subcommand)]
pub enum SettingCommand {
    /// List the settings
    List,
    /// Show a setting
    Show(SettingArgs),
    /// Update a setting
    Update(UpdateArgs),
}

/// Selects a setting.
#[derive(Args, Clone, Debug)]
pub struct SettingArgs {
    /// Name of the setting, as `strongroom setting list` shows it
    name: String,
}

/// A setting and its new value.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    setting: SettingArgs,
    /// New value
    #[arg(value_parser = ["true", "false"], ignore_case = true)]
    value: String,
}

impl SettingArgs {
    fn resource(&self, session: &Session) -> Outcome<String> {
        Ok(format!("{}/settings/{}", session.parent()?, self.name))
    }
}

/// The printed form of a setting.
#[derive(Serialize)]
struct View {
    name: String,
    setting: String,
    r#type: String,
    value: String,
}

impl From<pb::Setting> for View {
    fn from(setting: pb::Setting) -> Self {
        Self {
            setting: setting.name.rsplit('/').next().unwrap_or_default().to_owned(),
            name: setting.name,
            r#type: setting.r#type,
            value: setting.value,
        }
    }
}

impl View {
    fn text(&self) -> String {
        let Self { setting, r#type, value, .. } = self;
        table::fields(&[("name", setting.clone()), ("type", r#type.clone()), ("value", value.clone())])
    }
}

impl TableRow for View {
    const HEADINGS: &'static [&'static str] = &["NAME", "TYPE", "VALUE"];

    fn cells(&self) -> Vec<String> {
        vec![self.setting.clone(), self.r#type.clone(), self.value.clone()]
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: SettingCommand) -> Outcome {
    let session = context.connect().await?;
    let mut service = session.settings();
    let setting = match command {
        SettingCommand::List => {
            let request = pb::ListSettingsRequest { parent: session.parent()? };
            let reply = service.list_settings(request).await?.into_inner();
            let rows: Vec<View> = reply.settings.into_iter().map(View::from).collect();
            return context.output.print_list(&rows, "there are no settings");
        }
        SettingCommand::Show(args) => {
            service.get_setting(pb::GetSettingRequest { name: args.resource(&session)? }).await?
        }
        SettingCommand::Update(UpdateArgs { setting, value }) => {
            let name = setting.resource(&session)?;
            service.update_setting(pb::UpdateSettingRequest { name, value }).await?
        }
    };
    let view = View::from(setting.into_inner());
    context.output.print(&view, || view.text())
}
