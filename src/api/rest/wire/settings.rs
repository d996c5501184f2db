//! Requests and responses of the settings of an HSM.

use serde::{Deserialize, Serialize};

use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use crate::model::setting::Setting;
use crate::model::{Error, Result};
use crate::ops::InHsm;
use crate::ops::settings::{GetSetting, ListSettings, UpdateSetting};

pub(in super::super) fn list(input: &RequestInput<'_>) -> Result<ListSettings> {
    Ok(ListSettings { hsm: input.hsm()? })
}

pub(in super::super) fn get(input: &RequestInput<'_>) -> Result<GetSetting> {
    Ok(GetSetting { hsm: input.hsm()?, name: input.argument("name").parse()? })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UpdateRequest {
    value: Option<String>,
}

pub(in super::super) fn update(input: &RequestInput<'_>) -> Result<UpdateSetting> {
    let name = input.argument("name").parse()?;
    // assumption: a body without a value is refused like an empty one, for which it is recorded.
    let value = input.body::<UpdateRequest>()?.value.ok_or(Error::NoContent)?;
    Ok(UpdateSetting { hsm: input.hsm()?, setting: Setting { name, value: Setting::parse_value(&value)? } })
}

/// A setting. Its value is a string, regardless of its type.
#[derive(Serialize)]
pub(in super::super) struct SettingResponse {
    name: &'static str,
    r#type: &'static str,
    value: String,
}

impl From<Setting> for SettingResponse {
    fn from(setting: Setting) -> Self {
        Self { name: setting.name.as_str(), r#type: Setting::TYPE, value: setting.value.to_string() }
    }
}

/// The list of settings: the only list whose member is not called `value`.
#[derive(Serialize)]
pub(in super::super) struct SettingList {
    settings: Vec<SettingResponse>,
}

pub(in super::super) fn setting(_: &Endpoint, of: InHsm<Setting>) -> SettingResponse {
    of.item.into()
}

pub(in super::super) fn listed(_: &Endpoint, of: InHsm<Vec<Setting>>) -> SettingList {
    SettingList { settings: of.item.into_iter().map(SettingResponse::from).collect() }
}
