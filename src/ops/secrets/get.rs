//! Returns a secret version with its value, by default the current one.

use std::str::FromStr;

use super::sealing::unseal;
use super::{LiveSecretVersion, SecretBundle};
use crate::model::audit_entry::Meter;
use crate::model::secret::{SecretId, SecretValue};
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// A secret version with its value in the clear.
#[derive(Clone, Debug)]
pub struct RevealedSecret {
    /// The version.
    pub bundle: SecretBundle,
    /// Its value.
    pub value: SecretValue,
}

/// A format in which the value of a certificate is requested (`outContentType`).
///
/// Source: `ContentType` of the Key Vault REST specification, 2025-07-01.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueFormat {
    /// `application/x-pem-file`
    Pem,
    /// `application/x-pkcs12`
    Pfx,
}

impl FromStr for ValueFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "application/x-pem-file" => Ok(Self::Pem),
            "application/x-pkcs12" => Ok(Self::Pfx),
            _ => Err(Error::invalid(
                Field::OutContentType,
                "this is not application/x-pem-file or application/x-pkcs12",
            )),
        }
    }
}

/// Returns a secret version with its value (<https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>). The
/// token decrypts the value for each call: the service keeps no values in the clear.
#[derive(Clone, Debug)]
pub struct GetSecret {
    /// The version; the current one if the identifier names none.
    pub secret: SecretId,
    /// The format of the value, which only values of certificates have; as stored if `None`.
    pub format: Option<ValueFormat>,
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
        if !target.0.attributes.enabled {
            return Err(Error::SecretDisabled { operation: "get" });
        }
        let to = match self.format {
            None => return Ok(()),
            Some(ValueFormat::Pem) => "PEM",
            Some(ValueFormat::Pfx) => "PFX",
        };
        // Recorded for PEM.
        let why = format!(
            "The 'Unsupported' to '{to}' transformation is not supported. Only PFX to PEM transformation is supported."
        );
        Err(Error::invalid(Field::Unnamed, why))
    }

    async fn execute(
        self,
        LiveSecretVersion(version): LiveSecretVersion,
        cx: &Cx,
    ) -> Result<Done<RevealedSecret>> {
        let secret = cx.store.secret(&version.vault, &version.name);
        let managed = secret.is_some_and(|secret| secret.managed);
        let value = unseal(cx, &version).await?;
        Ok(Done::reply(RevealedSecret {
            bundle: SecretBundle { version, level: cx.recovery_level(), managed },
            value,
        }))
    }
}
