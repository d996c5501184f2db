//! What exists at the first start: the simulator's tenant, principals and HSMs, a gateway's HSMs.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ConfigError;
use crate::model::aes_modes::AesModes;
use crate::model::control_plane::ControlScope;
use crate::model::name::{HsmName, PrincipalId};
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::model::retention::RetentionDays;

/// The built-in seed of the simulator.
const DEV: &str = include_str!("../../hsm-config/dev.toml");

/// What the simulator starts with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// The directory that all principals belong to.
    pub tenant_id: Uuid,
    /// The subscription.
    pub subscription: Subscription,
    /// The resource group in it.
    pub resource_group: ResourceGroupName,
    /// The managed HSMs; the first is the default of the command line.
    pub hsm: Vec<HsmSeed>,
    /// Applications with a client secret each, and with a certificate if they say so.
    pub principal: Vec<PrincipalSeed>,
}

/// A subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Its identifier.
    pub id: SubscriptionId,
    /// The name people read.
    pub name: String,
}

/// A managed HSM to be made at the first start, if it is not there yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HsmSeed {
    /// Its name.
    pub name: HsmName,
    /// The token that holds its keys. The simulator makes one and ignores this.
    #[serde(default)]
    pub token: TokenSelector,
    /// The region.
    #[serde(default = "location")]
    pub location: String,
    /// The stock keeping unit.
    #[serde(default = "sku")]
    pub sku: String,
    /// The retention interval, in days.
    #[serde(default = "retention")]
    pub retention_days: RetentionDays,
    /// Whether purging before the time is refused.
    #[serde(default)]
    pub purge_protection: bool,
    /// Whether its AES key versions serve all modes of operation or one family of them; that of the service if `None`.
    /// Read at every start.
    #[serde(default)]
    pub aes_modes: Option<AesModes>,
    /// Object ids of the initial administrators. The simulator's principals say this by their roles.
    #[serde(default)]
    pub administrators: Vec<PrincipalId>,
    /// The tenant whose principals are accepted. The simulator has one.
    #[serde(default)]
    pub tenant_id: Uuid,
    /// The subscription that holds it; one with the tenant's id if `None`. The simulator has one.
    #[serde(default)]
    pub subscription_id: Option<SubscriptionId>,
    /// The resource group that holds it. The simulator has one.
    #[serde(default)]
    pub resource_group: ResourceGroupName,
}

impl HsmSeed {
    /// The subscription that holds it. Where none is named, the tenant stands for one, as it does in
    /// Azure's command line for accounts without subscriptions.
    pub fn subscription(&self) -> SubscriptionId {
        self.subscription_id.unwrap_or(SubscriptionId(self.tenant_id))
    }
}

/// A role on the control plane of a gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlRoleSeed {
    /// To whom: the object id of a user, service principal or group.
    pub principal: PrincipalId,
    /// The role, by its name.
    pub role: String,
    /// Where: a subscription, a resource group or an HSM, as Azure Resource Manager writes their ids.
    pub scope: ControlScope,
}

/// Names a token: by label or by serial number, never by slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSelector {
    /// `CK_TOKEN_INFO.label`, without trailing blanks.
    pub label: Option<String>,
    /// `CK_TOKEN_INFO.serialNumber`, without trailing blanks.
    pub serial: Option<String>,
}

/// An application of the simulator's directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrincipalSeed {
    /// Its name, for `--as`.
    pub name: String,
    /// Its object id: what role assignments name.
    pub object_id: PrincipalId,
    /// Its application id: what it signs in with.
    pub client_id: Uuid,
    /// Local roles at `/` of every seeded HSM, by their names.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Control-plane roles on the subscription, by their names.
    #[serde(default)]
    pub control_plane_roles: Vec<String>,
    /// Whether a certificate is made for it, to sign in with instead of a secret.
    #[serde(default)]
    pub certificate: bool,
    /// A certificate of its own to sign in with, PEM.
    #[serde(default)]
    pub certificate_file: Option<PathBuf>,
    /// Whether programs on this machine get tokens for it without a secret. The first is the default.
    #[serde(default)]
    pub managed_identity: bool,
    /// Whether it may turn the clock, which purges what was deleted.
    #[serde(default)]
    pub turns_clock: bool,
}

impl Seed {
    /// Reads the seed: the file if one is named, else the built-in one.
    ///
    /// # Errors
    /// Where the file cannot be read or says something impossible; the text names the place.
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
            return Err(ConfigError::new(format!("{origin}: there is no [[hsm]]")));
        }
        for principal in &seed.principal {
            principal.check().map_err(|why| {
                ConfigError::new(format!("{origin}: principal {:?}: {why}", principal.name))
            })?;
        }
        Ok(seed)
    }
}

impl PrincipalSeed {
    fn check(&self) -> Result<(), &'static str> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if self.certificate && self.certificate_file.is_some() {
            return Err("certificate and certificate_file exclude each other");
        }
        if self.managed_identity && self.turns_clock {
            return Err(
                "managed_identity and turns_clock exclude each other: any program can have its tokens",
            );
        }
        if self.certificate && !(self.name.bytes().all(is_plain) && self.name.starts_with(|c: char| c != '.'))
        {
            return Err(
                "a certificate is kept under its name, which must be letters, digits, '-', '_' and '.'",
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

const fn retention() -> RetentionDays {
    RetentionDays::DEFAULT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_seed_is_one() {
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
    fn the_clock_is_turned_by_named_principals_and_no_managed_identity() {
        let seed = Seed::read(None).unwrap();
        let turners = seed.principal.iter().filter(|principal| principal.turns_clock);
        assert_eq!(turners.map(|principal| principal.name.as_str()).collect::<Vec<_>>(), ["dev", "owner"]);
        let both = DEV.replacen("managed_identity = true", "managed_identity = true\nturns_clock = true", 1);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("seed.toml");
        std::fs::write(&file, both).unwrap();
        let error = Seed::read(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("principal \"crypto-user\": managed_identity and turns_clock"), "{error}");
    }

    #[test]
    fn a_certificate_is_made_or_named_and_kept_under_a_plain_name() {
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
            assert!(error.contains("kept under its name"), "{error}");
        }
    }
}
