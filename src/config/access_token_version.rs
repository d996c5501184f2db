//! The form of the simulator's tokens.

use serde::{Deserialize, Serialize};

/// The form of a token for a resource: what Entra ID calls `accessTokenAcceptedVersion`, written 1 or 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum AccessTokenVersion {
    /// What Managed HSM gets: `ver` is `1.0`, the application is `appid`.
    #[default]
    V1,
    /// What resources get that ask for it: `ver` is `2.0`, the application is `azp`.
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
