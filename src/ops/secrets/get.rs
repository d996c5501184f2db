//! Returns a secret version with its value, by default the current one.

use super::sealing::unseal;
use super::{LiveSecretVersion, SecretBundle};
use crate::model::audit_entry::Meter;
use crate::model::secret::{SecretId, SecretValue};
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// A secret version with its value in the clear.
#[derive(Clone, Debug)]
pub struct RevealedSecret {
    /// The version.
    pub bundle: SecretBundle,
    /// Its value.
    pub value: SecretValue,
}

/// Returns a secret version with its value (<https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>). The
/// token decrypts the value for each call: the service keeps no values in the clear.
#[derive(Clone, Debug)]
pub struct GetSecret {
    /// The version; the current one if the identifier names none.
    pub secret: SecretId,
}

impl Operation for GetSecret {
    const NAME: &'static str = "GetSecret";
    const EVENT: &'static str = "SecretGet";
    const ACTION: VaultAction = VaultAction::SecretGet;
    const METER: Meter = Meter::Management;
    type Target = LiveSecretVersion;
    type Reply = RevealedSecret;

    fn target(&self) -> SecretId {
        self.secret.clone()
    }

    /// Rejects a disabled version. The validity period is informative
    /// (<https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#date-time-controlled-operations>).
    fn check(&self, target: &LiveSecretVersion, _: Timestamp) -> Result<()> {
        match target.0.attributes.enabled {
            true => Ok(()),
            false => Err(Error::SecretDisabled { operation: "get" }),
        }
    }

    async fn execute(
        self,
        LiveSecretVersion(version): LiveSecretVersion,
        cx: &Cx,
    ) -> Result<Done<RevealedSecret>> {
        let value = unseal(cx, &version).await?;
        Ok(Done::reply(RevealedSecret {
            bundle: SecretBundle { version, level: cx.recovery_level() },
            value,
        }))
    }
}
