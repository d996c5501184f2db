//! What is recorded of one call: the audit record and the meter reading, made together.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::billing::KeyClass;
use super::key::KeyType;
use super::name::{HsmName, PrincipalId};

/// What a call counts as, for billing. Refused calls count too: Azure bills authenticated requests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meter {
    /// Management of keys and roles.
    Management,
    /// A cryptographic operation, with an RSA key of 2048 bits or without a key.
    Cryptographic,
    /// A cryptographic operation with another key: price lists tell the two apart.
    Advanced,
    /// Costs nothing: the service's own work, and questions about access.
    Free,
}

impl Meter {
    /// Every meter.
    pub const ALL: [Self; 4] = [Self::Management, Self::Cryptographic, Self::Advanced, Self::Free];

    /// What a call counts as once it is known which key it used.
    pub fn with(self, key: KeyType) -> Self {
        match (self, KeyClass::of(key)) {
            (Self::Cryptographic, KeyClass::Advanced) => Self::Advanced,
            (meter, _) => meter,
        }
    }

    /// The name under which readings are stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Management => "management",
            Self::Cryptographic => "cryptographic",
            Self::Advanced => "advanced",
            Self::Free => "free",
        }
    }
}

/// Who called, from where, through what. Surfaces fill it in.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The peer's address.
    pub address: Option<IpAddr>,
    /// `User-Agent`.
    pub client_info: String,
    /// Identifies the call; given back to the caller.
    pub correlation_id: Uuid,
    /// The path of the request, without query.
    pub request_uri: String,
    /// The version of the surface, for example `v1` or `7.6`: letters, digits, dots and hyphens.
    pub operation_version: Cow<'static, str>,
}

/// The record of one call. Holds no key material, plaintext, PIN or bearer token.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When the call arrived.
    pub at: Timestamp,
    /// What Azure's audit log calls the operation, for example `KeySign`.
    pub event: &'static str,
    /// What the call counts as.
    pub meter: Meter,
    /// The HSM asked, if the request named one.
    pub hsm: Option<HsmName>,
    /// What was acted on, for example `hsms/local/keys/invoices/versions/…`.
    pub target: String,
    /// Who called; `None` if that could not be established.
    pub caller: Option<CallerRecord>,
    /// Where the call came from.
    pub origin: Origin,
    /// Whether it succeeded, or the stable name of the error.
    pub result: std::result::Result<(), &'static str>,
    /// The HTTP status this result has on Azure's surface.
    pub status: u16,
    /// How long it took.
    pub duration: Duration,
}

/// What the audit says of a caller.
#[derive(Clone, Debug)]
pub struct CallerRecord {
    /// The object id.
    pub principal: PrincipalId,
    /// The application, if the credential named one.
    pub application: Option<String>,
    /// The user name, if the credential named one.
    pub user: Option<String>,
}
