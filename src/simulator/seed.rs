//! The tenant, principals, HSMs and vaults that a simulator starts with.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::{ConfigError, HsmSeed, VaultSeed};
use crate::model::name::PrincipalId;
use crate::model::resource::{ResourceGroupName, SubscriptionId};

/// The built-in seed of the simulator.
const DEV: &str = include_str!("../../hsm-config/dev.toml");

/// The resources that the simulator creates.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seed {
    /// The tenant of all principals.
    pub(super) tenant_id: Uuid,
    /// The subscription.
    pub(super) subscription: Subscription,
    /// The resource group in the subscription.
    pub(super) resource_group: ResourceGroupName,
    /// The managed HSMs; the first is the default HSM of the command line.
    pub(super) hsm: Vec<HsmSeed>,
    /// The vaults, in the tenant, the subscription and the resource group; the first is the default vault.
    #[serde(default)]
    pub(super) vault: Vec<VaultSeed>,
    /// The applications, each with a client secret, and optionally with a certificate.
    pub(super) principal: Vec<PrincipalSeed>,
}

/// A subscription.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    /// The subscription id.
    pub(super) id: SubscriptionId,
    /// The display name.
    pub(super) name: String,
}

/// An application in the simulator's tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrincipalSeed {
    /// The name, for `--as`.
    pub(super) name: String,
    /// The object id, which role assignments refer to.
    pub(super) object_id: PrincipalId,
    /// The application (client) id, with which it authenticates.
    pub(super) client_id: Uuid,
    /// The names of its local RBAC roles at `/` of every seeded HSM.
    #[serde(default)]
    pub(super) roles: Vec<String>,
    /// The names of its ARM RBAC roles at every seeded vault.
    #[serde(default)]
    pub(super) vault_roles: Vec<String>,
    /// The names of its ARM RBAC roles on the subscription.
    #[serde(default)]
    pub(super) control_plane_roles: Vec<String>,
    /// Whether a certificate is created for it, as an alternative to the client secret.
    #[serde(default)]
    pub(super) certificate: bool,
    /// The path of a certificate, PEM, as an alternative to the client secret.
    #[serde(default)]
    pub(super) certificate_file: Option<PathBuf>,
    /// Whether it is a managed identity: programs on this machine get access tokens for it without a credential. The
    /// first managed identity is the default one.
    #[serde(default)]
    pub(super) managed_identity: bool,
    /// Whether it may set the virtual clock, which can purge deleted resources.
    #[serde(default)]
    pub(super) turns_clock: bool,
}

impl Seed {
    /// Reads the seed from `file`, or the built-in one.
    ///
    /// # Errors
    /// If the file cannot be read or contains an invalid value; the text names the position.
    pub(super) fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::vault::VaultSku;

    #[test]
    fn built_in_seed_is_valid() {
        let seed = Seed::read(None).unwrap();
        assert_eq!(seed.hsm[0].name.as_str(), "local");
        let dev = seed.principal.iter().find(|principal| principal.name == "dev").unwrap();
        assert_eq!(dev.roles.len(), 3);
        let demo = &seed.vault[0];
        assert_eq!(
            (demo.name.as_str(), demo.sku, demo.rbac_authorization),
            ("demo", VaultSku::Premium, true)
        );
        assert!(!demo.purge_protection);
        let with_roles = seed.principal.iter().filter(|principal| !principal.vault_roles.is_empty());
        let with_roles: Vec<_> =
            with_roles.map(|one| (one.name.as_str(), one.vault_roles.concat())).collect();
        assert_eq!(with_roles, [("dev", "Key Vault Administrator".to_owned())]);
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
