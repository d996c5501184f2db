//! Whether a name is available for a managed HSM or a vault.
//!
//! Source: `CheckMhsmNameAvailability` and `CheckNameAvailability` of `Microsoft.KeyVault`, api-version 2026-02-01.

use serde::Serialize;

use super::super::endpoint::Endpoint;
use crate::ops::containers::NameAvailability;

/// Returns the message about a name that a live or a deleted vault has, as in the reference of `Test-AzKeyVaultNameAvailability`.
// assumption: the reference omits the end, from "If the vault is" on; this is that of the error `VaultAlreadyExists`.
fn vault_taken(name: &str) -> String {
    format!(
        "The vault name '{name}' is already in use. Vault names are globally unique so it is possible that the name is already taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable state then the vault will need to be purged before reusing the name. For more information about VaultAlreadyExists, soft delete and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740"
    )
}

/// Whether a name is available.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Availability {
    name_available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Availability {
    /// `taken` is the message about a name of a live or a deleted container.
    fn new(availability: NameAvailability, taken: impl FnOnce(bool) -> String) -> Self {
        let (reason, message) = match availability {
            NameAvailability::Available => (None, None),
            NameAvailability::Invalid(why) => (Some("AccountNameInvalid"), Some(why)),
            NameAvailability::Taken { deleted } => (Some("AlreadyExists"), Some(taken(deleted))),
        };
        Self { name_available: reason.is_none(), reason, message }
    }
}

pub(in super::super) fn of_hsm_name(_: &Endpoint, availability: NameAvailability) -> Availability {
    Availability::new(availability, |deleted| {
        let message = match deleted {
            false => "The name is in use.",
            true => "The name is in use by a deleted HSM, which can be recovered or purged.",
        };
        message.to_owned()
    })
}

#[expect(clippy::ptr_arg, reason = "a route passes the part of the request that it has read")]
pub(in super::super) fn of_vault_name(
    _: &Endpoint,
    availability: NameAvailability,
    name: &String,
) -> Availability {
    Availability::new(availability, |_| vault_taken(name))
}
