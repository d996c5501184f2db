//! Returns a secret version with its value, by default the current one.

use std::str::FromStr;

use super::sealing::unseal;
use super::{LiveSecretVersion, SecretBundle};
use crate::certificate::Bundle;
use crate::model::audit_entry::Meter;
use crate::model::name::VersionId;
use crate::model::secret::{SecretId, SecretValue, SecretVersion};
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// A secret version with its value in the clear.
#[derive(Clone, Debug)]
pub struct RevealedSecret {
    /// The version.
    pub bundle: SecretBundle,
    /// The version before it, of the companion of a certificate.
    pub previous: Option<VersionId>,
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

impl ValueFormat {
    /// Returns the name that Azure's messages use.
    const fn label(self) -> &'static str {
        match self {
            Self::Pem => "PEM",
            Self::Pfx => "PFX",
        }
    }
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
        Ok(())
    }

    async fn execute(
        self,
        LiveSecretVersion(version): LiveSecretVersion,
        cx: &Cx,
    ) -> Result<Done<RevealedSecret>> {
        let secret = cx.store.secret(&version.vault, &version.name);
        let managed = secret.as_ref().is_some_and(|secret| secret.managed);
        let previous = secret.filter(|secret| secret.managed).and_then(|secret| {
            let versions = secret.versions.iter().map(|one| one.version);
            versions.take_while(|one| *one != version.version).last()
        });
        let conversion = Conversion::of(&version, managed, self.format)?;
        let value = unseal(cx, &version).await?;
        let value = match conversion {
            Conversion::None => value,
            Conversion::PfxToPem => pfx_to_pem(value).await?,
        };
        Ok(Done::reply(RevealedSecret {
            bundle: SecretBundle { version, level: cx.recovery_level(), managed },
            previous,
            value,
        }))
    }
}

/// How the stored value is converted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Conversion {
    None,
    PfxToPem,
}

impl Conversion {
    /// Returns the conversion of a version to the requested format. `managed` says whether it is the companion of a certificate.
    ///
    /// # Errors
    /// `Invalid` for other conversions.
    // assumption: a value that has the requested format already is returned as it is.
    fn of(version: &SecretVersion, managed: bool, format: Option<ValueFormat>) -> Result<Self> {
        let Some(format) = format else { return Ok(Self::None) };
        let stored = version.content_type.as_deref().filter(|_| managed);
        match (stored.and_then(|stored| stored.parse().ok()), format) {
            (Some(stored), wanted) if stored == wanted => Ok(Self::None),
            (Some(ValueFormat::Pfx), ValueFormat::Pem) => Ok(Self::PfxToPem),
            (stored, wanted) => {
                let from = stored.map_or("Unsupported", ValueFormat::label);
                // Recorded for a value that is no certificate.
                let why = format!(
                    "The '{from}' to '{}' transformation is not supported. Only PFX to PEM transformation is supported.",
                    wanted.label()
                );
                Err(Error::invalid(Field::Unnamed, why))
            }
        }
    }
}

/// Converts a value on a blocking thread: decrypting PKCS#12 takes up to seconds.
async fn pfx_to_pem(value: SecretValue) -> Result<SecretValue> {
    let convert = move || Bundle::pkcs12_to_pem(value.as_str());
    let text = tokio::task::spawn_blocking(convert).await.map_err(Error::internal)?;
    SecretValue::new(text.map_err(Error::internal)?)
}
