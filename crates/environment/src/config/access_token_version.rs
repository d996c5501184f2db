//! The version of the access tokens that the simulator's authority issues.

use serde::{Deserialize, Serialize};

/// The version of access tokens for a resource: Entra ID's `accessTokenAcceptedVersion`, serialized as 1 or 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum AccessTokenVersion {
    /// Version 1, the one that Managed HSM receives: `ver` is `1.0`, the application is in `appid`.
    #[default]
    V1,
    /// Version 2, for resources that request it: `ver` is `2.0`, the application is in `azp`.
    V2,
}

impl TryFrom<u8> for AccessTokenVersion {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        match number {
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            other => Err(format!("there is no version {other}: 1 or 2")),
        }
    }
}

impl From<AccessTokenVersion> for u8 {
    fn from(version: AccessTokenVersion) -> Self {
        match version {
            AccessTokenVersion::V1 => 1,
            AccessTokenVersion::V2 => 2,
        }
    }
}
