//! The settings of a managed HSM: what its administrators decide about it as a whole.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Error, Result};

/// Names a setting.
///
/// Source: the answers recorded of `GET /settings`; there has never been another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingName {
    /// Whether keys can be made and listed through Azure Resource Manager, by roles of the control plane.
    AllowKeyManagementOperationsThroughArm,
}

impl SettingName {
    /// All of them.
    pub const ALL: &[Self] = &[Self::AllowKeyManagementOperationsThroughArm];

    /// The name, as Azure spells it.
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
        known.ok_or(Error::SettingNotFound)
    }
}

impl fmt::Display for SettingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A setting and what it is set to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// Which.
    pub name: SettingName,
    /// All settings that there are can be on or off.
    pub value: bool,
}

impl Setting {
    /// The type of all settings that there are, as Azure calls it.
    pub const TYPE: &str = "boolean";

    /// Reads a value. It is a text on every surface, whatever the setting's type.
    ///
    /// # Errors
    /// `Invalid` naming `value`.
    // assumption: what the service says to another value, and whether it minds capitals, is not recorded.
    pub fn parse_value(text: &str) -> Result<bool> {
        if text.eq_ignore_ascii_case("true") {
            Ok(true)
        } else if text.eq_ignore_ascii_case("false") {
            Ok(false)
        } else {
            Err(Error::invalid("value", "the value of a boolean setting is true or false"))
        }
    }
}

/// What the settings of one HSM are set to; those of a new one are off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    allow_key_management_operations_through_arm: bool,
}

impl Settings {
    /// One of them.
    pub const fn get(self, name: SettingName) -> Setting {
        let value = match name {
            SettingName::AllowKeyManagementOperationsThroughArm => {
                self.allow_key_management_operations_through_arm
            }
        };
        Setting { name, value }
    }

    /// All of them.
    pub fn all(self) -> Vec<Setting> {
        SettingName::ALL.iter().map(|name| self.get(*name)).collect()
    }

    /// The same, but for one.
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
    fn each_is_off_and_can_be_set_alone() {
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
    fn names_are_spelt_as_they_are_and_values_in_any_case() {
        for name in ["", "allowkeymanagementoperationsthrougharm", "AllowKeyManagementOperationsThroughARM "]
        {
            assert_eq!(name.parse::<SettingName>(), Err(Error::SettingNotFound), "{name:?}");
        }
        assert_eq!((Setting::parse_value("true"), Setting::parse_value("FALSE")), (Ok(true), Ok(false)));
        for value in ["", "1", "yes", "true ", "tru\u{212f}"] {
            assert!(Setting::parse_value(value).is_err(), "{value:?}");
        }
    }
}
