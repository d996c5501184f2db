//! The resources created at the first start: the simulator's tenant, principals and HSMs, and a gateway's HSMs.

use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use super::ConfigError;
use crate::model::aes_modes::AesModes;
use crate::model::arm_rbac::ControlScope;
use crate::model::hsm::find_sku;
use crate::model::name::{HsmName, PrincipalId};
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::model::retention::RetentionDays;

/// The built-in seed of the simulator.
const DEV: &str = include_str!("../../../../hsm-config/dev.toml");

/// The resources that the simulator creates.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The tenant of all principals.
    pub tenant_id: Uuid,
    /// The subscription.
    pub subscription: Subscription,
    /// The resource group in the subscription.
    pub resource_group: ResourceGroupName,
    /// The managed HSMs; the first is the default HSM of the command line.
    pub hsm: Vec<HsmSeed>,
    /// The applications, each with a client secret, and optionally with a certificate.
    pub principal: Vec<PrincipalSeed>,
}

/// A subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// The subscription id.
    pub id: SubscriptionId,
    /// The display name.
    pub name: String,
}

/// A managed HSM, created at start-up unless an HSM of this name has ever existed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HsmSeed {
    /// The name.
    pub name: HsmName,
    /// The token that holds its keys. The simulator ignores this and creates one.
    #[serde(default)]
    pub token: TokenSelector,
    /// The location (Azure region).
    #[serde(default = "location")]
    pub location: String,
    /// The SKU, in its canonical spelling; read in any case.
    #[serde(default = "sku", deserialize_with = "canonical_sku")]
    pub sku: String,
    /// The retention interval, in days.
    #[serde(default = "retention")]
    pub retention_days: RetentionDays,
    /// Whether purge protection is enabled: a deleted HSM cannot be purged before its scheduled purge date.
    #[serde(default)]
    pub purge_protection: bool,
    /// Whether its AES key versions may be used in all modes of operation or in one family of them; if `None`, as set
    /// for the service. Read at every start.
    #[serde(default)]
    pub aes_modes: Option<AesModes>,
    /// The object ids of the initial administrators. In the simulator, those principals whose roles say so.
    #[serde(default)]
    pub administrators: Vec<PrincipalId>,
    /// The tenant whose principals are accepted. The simulator ignores this and uses its only tenant.
    #[serde(default)]
    pub tenant_id: Uuid,
    /// The subscription of the HSM; if `None`, one with the id of the tenant. Ignored by the simulator.
    #[serde(default)]
    pub subscription_id: Option<SubscriptionId>,
    /// The resource group of the HSM. Ignored by the simulator.
    #[serde(default)]
    pub resource_group: ResourceGroupName,
}

impl HsmSeed {
    /// Returns the subscription of the HSM. By default, it has the id of the tenant, as in Azure CLI for accounts
    /// without subscriptions.
    pub fn subscription(&self) -> SubscriptionId {
        self.subscription_id.unwrap_or(SubscriptionId(self.tenant_id))
    }
}

/// An initial role assignment on the control plane of a gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlRoleSeed {
    /// The object id of the user, service principal or group.
    pub principal: PrincipalId,
    /// The name of the role.
    pub role: String,
    /// The scope: the Azure resource id of a subscription, a resource group or an HSM.
    pub scope: ControlScope,
}

/// Selects a token by label or by serial number; slot ids are not stable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSelector {
    /// `CK_TOKEN_INFO.label`, without the padding.
    pub label: Option<String>,
    /// `CK_TOKEN_INFO.serialNumber`, without the padding.
    pub serial: Option<String>,
}

/// An application in the simulator's tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalSeed {
    /// The name, for `--as`.
    pub name: String,
    /// The object id, which role assignments refer to.
    pub object_id: PrincipalId,
    /// The application (client) id, with which it authenticates.
    pub client_id: Uuid,
    /// The names of its local RBAC roles at `/` of every seeded HSM.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The names of its ARM RBAC roles on the subscription.
    #[serde(default)]
    pub control_plane_roles: Vec<String>,
    /// Whether a certificate is created for it, as an alternative to the client secret.
    #[serde(default)]
    pub certificate: bool,
    /// The path of a certificate, PEM, as an alternative to the client secret.
    #[serde(default)]
    pub certificate_file: Option<PathBuf>,
    /// Whether it is a managed identity: programs on this machine get access tokens for it without a credential. The
    /// first managed identity is the default one.
    #[serde(default)]
    pub managed_identity: bool,
    /// Whether it may set the virtual clock, which can purge deleted resources.
    #[serde(default)]
    pub turns_clock: bool,
}

impl Seed {
    /// Reads the seed from `file`, or the built-in one.
    ///
    /// # Errors
    /// If the file cannot be read or contains an invalid value; the text names the position.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let (text, origin) = match file {
            None => (DEV.to_owned(), "the built-in seed".to_owned()),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    ConfigError::new(format!(
                        "simulator.seed_file: {} cannot be read: {error}",
                        path.display()
                    ))
                })?;
                (text, path.display().to_string())
            }
        };
        let seed: Self =
            toml::from_str(&text).map_err(|error| ConfigError::new(format!("{origin}: {error}")))?;
        if seed.hsm.is_empty() {
            return Err(ConfigError::new(format!("{origin}: at least one [[hsm]] is needed")));
        }
        for principal in &seed.principal {
            principal.validate().map_err(|why| {
                ConfigError::new(format!("{origin}: principal {:?}: {why}", principal.name))
            })?;
        }
        Ok(seed)
    }
}

impl PrincipalSeed {
    fn validate(&self) -> Result<(), &'static str> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if self.certificate && self.certificate_file.is_some() {
            return Err("certificate and certificate_file exclude each other");
        }
        if self.managed_identity && self.turns_clock {
            return Err(
                "managed_identity and turns_clock exclude each other: any local program can get its access tokens",
            );
        }
        if self.certificate && !(self.name.bytes().all(is_plain) && self.name.starts_with(|c: char| c != '.'))
        {
            return Err(
                "its name is the file name of its certificate, and may have only letters, digits, '-', '_' and '.'",
            );
        }
        Ok(())
    }
}

fn location() -> String {
    "localhost".to_owned()
}

fn sku() -> String {
    "Standard_B1".to_owned()
}

fn canonical_sku<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let given = String::deserialize(deserializer)?;
    find_sku(&given).map(str::to_owned).map_err(D::Error::custom)
}

const fn retention() -> RetentionDays {
    RetentionDays::DEFAULT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_seed_is_valid() {
        let seed = Seed::read(None).unwrap();
        assert_eq!(seed.hsm[0].name.as_str(), "local");
        let dev = seed.principal.iter().find(|principal| principal.name == "dev").unwrap();
        assert_eq!(dev.roles.len(), 3);
        let mut ids: Vec<_> = seed.principal.iter().map(|principal| principal.object_id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), seed.principal.len());
    }

    #[test]
    fn managed_identities_cannot_set_the_clock() {
        let seed = Seed::read(None).unwrap();
        let clock_setters = seed.principal.iter().filter(|principal| principal.turns_clock);
        let clock_setters: Vec<_> = clock_setters.map(|principal| principal.name.as_str()).collect();
        assert_eq!(clock_setters, ["dev", "owner"]);
        let both = DEV.replacen("managed_identity = true", "managed_identity = true\nturns_clock = true", 1);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("seed.toml");
        std::fs::write(&file, both).unwrap();
        let error = Seed::read(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("principal \"crypto-user\": managed_identity and turns_clock"), "{error}");
    }

    #[test]
    fn validates_certificate_settings_of_principals() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("seed.toml");
        let read = |from: &str, to: &str| {
            std::fs::write(&file, DEV.replacen(from, to, 1)).unwrap();
            Seed::read(Some(&file)).map_err(|error| error.to_string())
        };
        assert!(read("certificate = true", "certificate_file = \"own.pem\"").is_ok());
        let both = read("certificate = true", "certificate = true\ncertificate_file = \"own.pem\"");
        assert!(both.unwrap_err().contains("principal \"dev\": certificate and certificate_file exclude"));
        for name in ["../dev", "a/b", ".dev", ""] {
            let error =
                read("name = \"dev\"\nobject_id", &format!("name = \"{name}\"\nobject_id")).unwrap_err();
            assert!(error.contains("file name of its certificate"), "{error}");
        }
    }

    #[test]
    fn sku_is_validated_and_spelled_canonically() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("seed.toml");
        let read = |sku: &str| {
            std::fs::write(&file, DEV.replacen("sku = \"Standard_B1\"", &format!("sku = \"{sku}\""), 1))
                .unwrap();
            Seed::read(Some(&file)).map_err(|error| error.to_string())
        };
        assert_eq!(read("standard_b1V2").unwrap().hsm[0].sku, "Standard_B1v2");
        for sku in ["", "Premium_P1", "Standard_B1 "] {
            let error = read(sku).unwrap_err();
            assert!(error.contains("sku: the sku is one of Standard_B1, "), "{error}");
            assert!(error.contains("seed.toml"), "{error}");
        }
    }
}
