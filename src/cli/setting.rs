//! `strongroom setting`: what administrators decide about a managed HSM as a whole.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::failure::Outcome;
use super::output::Row;
use super::session::Session;
use super::{Context, table};
use crate::api::grpc::pb;

/// What can be done with settings.
#[derive(Debug, Subcommand)]
pub enum SettingCommand {
    /// List the settings
    List,
    /// Show a setting
    Show(SettingArgs),
    /// Change a setting
    Update(UpdateArgs),
}

/// Which setting.
#[derive(Args, Clone, Debug)]
pub struct SettingArgs {
    /// Its name, as `strongroom setting list` shows it
    name: String,
}

/// Which setting, and to what.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    setting: SettingArgs,
    /// What it is set to
    #[arg(value_parser = ["true", "false"], ignore_case = true)]
    value: String,
}

impl SettingArgs {
    fn resource(&self, session: &Session) -> Outcome<String> {
        Ok(format!("{}/settings/{}", session.parent()?, self.name))
    }
}

/// A setting, as it is printed.
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

impl Row for View {
    const HEADINGS: &'static [&'static str] = &["NAME", "TYPE", "VALUE"];

    fn cells(&self) -> Vec<String> {
        vec![self.setting.clone(), self.r#type.clone(), self.value.clone()]
    }
}

/// Runs one of them.
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
