//! Settings of an HSM.

use serde::{Deserialize, Serialize};

use super::super::call::Asked;
use super::super::site::Site;
use crate::model::setting::Setting;
use crate::model::{Error, Result};
use crate::ops::Of;
use crate::ops::settings::{GetSetting, ListSettings, UpdateSetting};

pub(in super::super) fn list(asked: &Asked<'_>) -> Result<ListSettings> {
    Ok(ListSettings { hsm: asked.hsm()? })
}

pub(in super::super) fn get(asked: &Asked<'_>, name: &str) -> Result<GetSetting> {
    Ok(GetSetting { hsm: asked.hsm()?, name: name.parse()? })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UpdateRequest {
    value: Option<String>,
}

pub(in super::super) fn update(asked: &Asked<'_>, name: &str) -> Result<UpdateSetting> {
    let name = name.parse()?;
    // assumption: a body without a value is refused as one that is empty, of which it is recorded.
    let value = asked.body::<UpdateRequest>()?.value.ok_or(Error::NoContent)?;
    Ok(UpdateSetting { hsm: asked.hsm()?, setting: Setting { name, value: Setting::parse_value(&value)? } })
}

/// A setting. Its value is a text, whatever its type.
#[derive(Serialize)]
pub(in super::super) struct Shown {
    name: &'static str,
    r#type: &'static str,
    value: String,
}

impl From<Setting> for Shown {
    fn from(setting: Setting) -> Self {
        Self { name: setting.name.as_str(), r#type: Setting::TYPE, value: setting.value.to_string() }
    }
}

/// All settings: the one list that is not called `value`.
#[derive(Serialize)]
pub(in super::super) struct Listed {
    settings: Vec<Shown>,
}

pub(in super::super) fn setting(_: &Site, of: Of<Setting>) -> Shown {
    of.item.into()
}

pub(in super::super) fn listed(_: &Site, of: Of<Vec<Setting>>) -> Listed {
    Listed { settings: of.item.into_iter().map(Shown::from).collect() }
}
