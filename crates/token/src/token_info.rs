//! The description of a token, and what selects one.

use std::fmt;

use cryptoki::context::Pkcs11;
use cryptoki::slot::Slot;
use serde::{Deserialize, Serialize};

use super::error::Attempt;

/// The `CK_TOKEN_INFO` of a token, readable without a login.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TokenInfo {
    /// The serial number; with some modules, empty until the token is initialized.
    pub serial: String,
    /// The label.
    pub label: String,
    /// The manufacturer.
    pub manufacturer: String,
    /// The model.
    pub model: String,
    /// The firmware version.
    pub firmware: String,
    /// Whether it is initialized.
    pub initialized: bool,
    /// Whether it has a user PIN.
    pub has_user_pin: bool,
}

/// Selects a token. Slot numbers are not supported, because they change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Selector {
    /// By serial number.
    Serial(String),
    /// By label.
    Label(String),
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(serial) => write!(f, "serial {serial}"),
            Self::Label(label) => write!(f, "label {label:?}"),
        }
    }
}

impl TokenInfo {
    /// Reads the information of the token in a slot.
    pub(super) fn read(pkcs11: &Pkcs11, slot: Slot) -> Attempt<Self> {
        let info = pkcs11.get_token_info(slot)?;
        Ok(Self {
            serial: info.serial_number().trim().to_owned(),
            label: info.label().trim_end().to_owned(),
            manufacturer: info.manufacturer_id().trim().to_owned(),
            model: info.model().trim().to_owned(),
            firmware: info.firmware_version().to_string(),
            initialized: info.token_initialized(),
            has_user_pin: info.user_pin_initialized(),
        })
    }
}
