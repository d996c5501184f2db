//! The identifiers of containers of the data plane, and of keys in them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::field::InvalidValue;
use super::name::{HsmName, KeyName, SecretName, VaultName, VersionId};

/// The kinds of container.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerKind {
    /// A managed HSM.
    ManagedHsm,
    /// A vault.
    Vault,
}

/// What audit records call a kind of container.
///
/// Source: "Managed HSM logging" and "Enable Key Vault logging" of Azure's documentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuditNames {
    /// `properties.PoolType`.
    pub pool_type: &'static str,
    /// `resourceType`; in upper case, a segment of `resourceId`.
    pub resource_type: &'static str,
}

impl ContainerKind {
    /// Whether a key can be rotated on demand only if it has a rotation policy, as recorded of managed HSMs.
    pub const fn requires_rotation_policy(self) -> bool {
        match self {
            Self::ManagedHsm => true,
            Self::Vault => false,
        }
    }

    /// Returns what audit records call it.
    pub const fn audit_names(self) -> AuditNames {
        match self {
            Self::ManagedHsm => AuditNames { pool_type: "M-HSM", resource_type: "managedHSMs" },
            Self::Vault => AuditNames { pool_type: "Vault", resource_type: "vaults" },
        }
    }
}

impl fmt::Display for ContainerKind {
    /// Writes what errors call it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ManagedHsm => "managed HSM",
            Self::Vault => "vault",
        })
    }
}

/// Precedes the name of a vault in stored data, and in its resource name.
const VAULTS: &str = "vaults/";

/// The name of a vault, with the text that identifies it in stored data. Shared, because objects in memory have it: it makes
/// no [`ContainerId`] larger than that of a managed HSM.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VaultId(Arc<VaultNames>);

#[derive(PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
struct VaultNames {
    name: VaultName,
    stored: String,
}

/// Identifies a container: a kind, and a name that is unique among containers of that kind.
///
/// `Display` writes its resource name on the gRPC surface, for example `hsms/local`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ContainerId {
    /// A managed HSM.
    ManagedHsm(HsmName),
    /// A vault.
    Vault(VaultId),
}

impl ContainerId {
    /// Returns the kind.
    pub const fn kind(&self) -> ContainerKind {
        match self {
            Self::ManagedHsm(_) => ContainerKind::ManagedHsm,
            Self::Vault(_) => ContainerKind::Vault,
        }
    }

    /// Returns the name if it is a managed HSM.
    pub const fn managed_hsm(&self) -> Option<&HsmName> {
        match self {
            Self::ManagedHsm(name) => Some(name),
            Self::Vault(_) => None,
        }
    }

    /// Returns the name if it is a vault.
    pub fn vault(&self) -> Option<&VaultName> {
        match self {
            Self::Vault(vault) => Some(&vault.0.name),
            Self::ManagedHsm(_) => None,
        }
    }

    /// Returns its name in its original spelling.
    pub fn name(&self) -> &str {
        match self {
            Self::ManagedHsm(name) => name.as_str(),
            Self::Vault(vault) => vault.0.name.as_str(),
        }
    }

    /// Returns the text that identifies it in stored data, with its name in the original spelling. It is compared without
    /// regard to case. For a managed HSM this is its name; text of other kinds has a prefix that no name contains.
    pub fn as_stored(&self) -> &str {
        match self {
            Self::ManagedHsm(name) => name.as_str(),
            Self::Vault(vault) => &vault.0.stored,
        }
    }

    /// Returns [`Self::as_stored`] in lower case, for comparing.
    pub fn to_case_insensitive(&self) -> String {
        self.as_stored().to_ascii_lowercase()
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ManagedHsm(name) => write!(f, "hsms/{name}"),
            Self::Vault(vault) => f.write_str(&vault.0.stored),
        }
    }
}

impl From<HsmName> for ContainerId {
    fn from(name: HsmName) -> Self {
        Self::ManagedHsm(name)
    }
}

impl From<&HsmName> for ContainerId {
    fn from(name: &HsmName) -> Self {
        Self::ManagedHsm(name.clone())
    }
}

impl From<VaultName> for ContainerId {
    fn from(name: VaultName) -> Self {
        let stored = format!("{VAULTS}{name}");
        Self::Vault(VaultId(Arc::new(VaultNames { name, stored })))
    }
}

impl From<&VaultName> for ContainerId {
    fn from(name: &VaultName) -> Self {
        name.clone().into()
    }
}

impl FromStr for ContainerId {
    type Err = InvalidValue;

    /// Parses [`Self::as_stored`].
    fn from_str(stored: &str) -> Result<Self, InvalidValue> {
        match stored.strip_prefix(VAULTS) {
            Some(name) => name.parse::<VaultName>().map(Self::from),
            None => Ok(Self::ManagedHsm(stored.parse()?)),
        }
    }
}

impl TryFrom<String> for ContainerId {
    type Error = InvalidValue;

    fn try_from(stored: String) -> Result<Self, InvalidValue> {
        stored.parse()
    }
}

impl From<ContainerId> for String {
    fn from(id: ContainerId) -> Self {
        id.as_stored().to_owned()
    }
}

/// The target of a key operation: a key, and one of its versions or the current one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct KeyId {
    /// The container that holds the key.
    pub container: ContainerId,
    /// The key.
    pub name: KeyName,
    /// One version, or `None` for the current one.
    pub version: Option<VersionId>,
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/keys/{}", self.container, self.name)?;
        match self.version {
            Some(version) => write!(f, "/versions/{version}"),
            None => Ok(()),
        }
    }
}

/// Identifies a secret, and one of its versions or the current one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SecretId {
    /// The vault that holds the secret.
    pub vault: VaultName,
    /// The secret.
    pub name: SecretName,
    /// One version, or `None` for the current one.
    pub version: Option<VersionId>,
}

impl fmt::Display for SecretId {
    /// Writes its resource name on the gRPC surface.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vaults/{}/secrets/{}", self.vault, self.name)?;
        match self.version {
            Some(version) => write!(f, "/versions/{version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_container_of_a_managed_hsm_is_its_name() {
        let name: HsmName = "Payroll".parse().unwrap();
        let id = ContainerId::from(&name);
        assert_eq!(serde_json::to_string(&id).unwrap(), r#""Payroll""#);
        assert_eq!(serde_json::from_str::<ContainerId>(r#""Payroll""#).unwrap(), id);
        assert_eq!((id.to_string().as_str(), id.to_case_insensitive().as_str()), ("hsms/Payroll", "payroll"));
        for wrong in ["", "a/b", "vaults/", "vaults/a/b", "hsms/payroll"] {
            assert!(wrong.parse::<ContainerId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn stored_container_of_a_vault_differs_from_that_of_a_managed_hsm() {
        let name: VaultName = "Payroll".parse().unwrap();
        let id = ContainerId::from(&name);
        assert_eq!(serde_json::to_string(&id).unwrap(), r#""vaults/Payroll""#);
        assert_eq!(serde_json::from_str::<ContainerId>(r#""vaults/Payroll""#).unwrap(), id);
        assert_eq!((id.name(), id.to_string().as_str()), ("Payroll", "vaults/Payroll"));
        assert_eq!((id.vault(), id.managed_hsm()), (Some(&name), None));
        assert_eq!(id.to_case_insensitive(), "vaults/payroll");
    }
}
