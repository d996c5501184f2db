//! Converts the messages of `setting.proto`.

use super::super::pb;
use super::{hsm, parse_field, segments};
use crate::model::name::HsmName;
use crate::model::setting::{Setting, SettingName};
use crate::model::{Error, Field, Result};
use crate::ops::InHsm;
use crate::ops::settings::{GetSetting, ListSettings, UpdateSetting};

/// Parses `hsms/{hsm}/settings/{setting}`.
fn setting(name: &str) -> Result<(HsmName, SettingName)> {
    let [hsm, setting] = segments(Field::Name, name, "hsms/{}/settings/{}")?;
    Ok((parse_field(Field::Name, hsm)?, setting.parse()?))
}

impl TryFrom<pb::ListSettingsRequest> for ListSettings {
    type Error = Error;

    fn try_from(request: pb::ListSettingsRequest) -> Result<Self> {
        Ok(Self { hsm: hsm(&request.parent)? })
    }
}

impl TryFrom<pb::GetSettingRequest> for GetSetting {
    type Error = Error;

    fn try_from(request: pb::GetSettingRequest) -> Result<Self> {
        let (hsm, name) = setting(&request.name)?;
        Ok(Self { hsm, name })
    }
}

impl TryFrom<pb::UpdateSettingRequest> for UpdateSetting {
    type Error = Error;

    fn try_from(request: pb::UpdateSettingRequest) -> Result<Self> {
        let (hsm, name) = setting(&request.name)?;
        Ok(Self { hsm, setting: Setting { name, value: Setting::parse_value(&request.value)? } })
    }
}

fn message(hsm: &HsmName, setting: Setting) -> pb::Setting {
    pb::Setting {
        name: format!("hsms/{hsm}/settings/{}", setting.name),
        r#type: Setting::TYPE.to_owned(),
        value: setting.value.to_string(),
    }
}

impl From<InHsm<Setting>> for pb::Setting {
    fn from(InHsm { hsm, item }: InHsm<Setting>) -> Self {
        message(&hsm, item)
    }
}

impl From<InHsm<Vec<Setting>>> for pb::ListSettingsResponse {
    fn from(InHsm { hsm, item }: InHsm<Vec<Setting>>) -> Self {
        Self { settings: item.into_iter().map(|setting| message(&hsm, setting)).collect() }
    }
}
