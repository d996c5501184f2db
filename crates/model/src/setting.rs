//! The settings of a managed HSM, as its administrators set them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::resource_kind::{Resource, ResourceKind};
use super::{Error, Field, Result};

/// The name of a setting.
///
/// Source: recorded responses to `GET /settings`, which contain only this setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingName {
    /// Whether control-plane roles can create and list keys through Azure Resource Manager.
    AllowKeyManagementOperationsThroughArm,
}

impl SettingName {
    /// Every setting.
    pub const ALL: &[Self] = &[Self::AllowKeyManagementOperationsThroughArm];

    /// Returns the name as Azure spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowKeyManagementOperationsThroughArm => "AllowKeyManagementOperationsThroughARM",
        }
    }
}

impl FromStr for SettingName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = Self::ALL.iter().copied().find(|name| name.as_str() == text);
        known.ok_or(Error::NotFound(Resource::unnamed(ResourceKind::Setting)))
    }
}

impl fmt::Display for SettingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A setting and its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// The setting.
    pub name: SettingName,
    /// Its value; every setting is a boolean.
    pub value: bool,
}

impl Setting {
    /// The type of every setting, as Azure names it.
    pub const TYPE: &str = "boolean";

    /// Parses a value. Every surface transfers it as a string, whatever the setting's type.
    ///
    /// # Errors
    /// `Invalid` naming `value`.
    // assumption: Azure's response to other values, and whether it ignores case, is not recorded.
    pub fn parse_value(text: &str) -> Result<bool> {
        if text.eq_ignore_ascii_case("true") {
            Ok(true)
        } else if text.eq_ignore_ascii_case("false") {
            Ok(false)
        } else {
            Err(Error::invalid(Field::Value, "the value of a boolean setting is true or false"))
        }
    }
}

/// The settings of one HSM; all are `false` in a new HSM.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    allow_key_management_operations_through_arm: bool,
}

impl Settings {
    /// Returns one setting.
    pub const fn get(self, name: SettingName) -> Setting {
        let value = match name {
            SettingName::AllowKeyManagementOperationsThroughArm => {
                self.allow_key_management_operations_through_arm
            }
        };
        Setting { name, value }
    }

    /// Returns all settings.
    pub fn all(self) -> Vec<Setting> {
        SettingName::ALL.iter().map(|name| self.get(*name)).collect()
    }

    /// Returns these settings with one changed.
    #[must_use]
    pub const fn with(mut self, setting: Setting) -> Self {
        match setting.name {
            SettingName::AllowKeyManagementOperationsThroughArm => {
                self.allow_key_management_operations_through_arm = setting.value;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_default_to_false_and_change_alone() {
        for name in SettingName::ALL {
            assert_eq!(name.as_str().parse(), Ok(*name));
            assert!(!Settings::default().get(*name).value);
            let on = Setting { name: *name, value: true };
            let others = |setting: &Setting| setting.name != *name;
            let (before, after) = (Settings::default().all(), Settings::default().with(on).all());
            assert!(after.contains(&on));
            assert!(before.into_iter().filter(others).eq(after.into_iter().filter(others)));
        }
    }

    #[test]
    fn names_are_case_sensitive_and_values_are_not() {
        for name in ["", "allowkeymanagementoperationsthrougharm", "AllowKeyManagementOperationsThroughARM "]
        {
            assert_eq!(
                name.parse::<SettingName>(),
                Err(Error::NotFound(Resource::unnamed(ResourceKind::Setting))),
                "{name:?}"
            );
        }
        assert_eq!((Setting::parse_value("true"), Setting::parse_value("FALSE")), (Ok(true), Ok(false)));
        for value in ["", "1", "yes", "true ", "tru\u{212f}"] {
            assert!(Setting::parse_value(value).is_err(), "{value:?}");
        }
    }
}
