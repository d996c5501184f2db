//! The identifiers of containers of the data plane, and of keys in them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::field::InvalidValue;
use super::name::{HsmName, KeyName, VersionId};

/// The kinds of container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContainerKind {
    /// A managed HSM.
    ManagedHsm,
}

/// What audit records call a kind of container.
///
/// Source: "Managed HSM logging" of Azure's documentation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuditNames {
    /// `properties.PoolType`.
    pub pool_type: &'static str,
    /// `resourceType`; in upper case, a segment of `resourceId`.
    pub resource_type: &'static str,
}

impl ContainerKind {
    /// Returns what audit records call it.
    pub const fn audit_names(self) -> AuditNames {
        match self {
            Self::ManagedHsm => AuditNames { pool_type: "M-HSM", resource_type: "managedHSMs" },
        }
    }
}

/// Identifies a container: a kind, and a name that is unique among containers of that kind.
///
/// `Display` writes its resource name on the gRPC surface, for example `hsms/local`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ContainerId {
    /// A managed HSM.
    ManagedHsm(HsmName),
}

impl ContainerId {
    /// Returns the kind.
    pub const fn kind(&self) -> ContainerKind {
        match self {
            Self::ManagedHsm(_) => ContainerKind::ManagedHsm,
        }
    }

    /// Returns the name if it is a managed HSM.
    pub const fn managed_hsm(&self) -> Option<&HsmName> {
        match self {
            Self::ManagedHsm(name) => Some(name),
        }
    }

    /// Returns its name in its original spelling.
    pub fn name(&self) -> &str {
        match self {
            Self::ManagedHsm(name) => name.as_str(),
        }
    }

    /// Returns the text that identifies it in stored data, with its name in the original spelling. It is compared without
    /// regard to case. For a managed HSM this is its name; text of other kinds has a prefix that no name contains.
    pub fn as_stored(&self) -> &str {
        match self {
            Self::ManagedHsm(name) => name.as_str(),
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

impl FromStr for ContainerId {
    type Err = InvalidValue;

    /// Parses [`Self::as_stored`].
    fn from_str(stored: &str) -> Result<Self, InvalidValue> {
        Ok(Self::ManagedHsm(stored.parse()?))
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
        for wrong in ["", "a/b", "vaults/payroll"] {
            assert!(wrong.parse::<ContainerId>().is_err(), "{wrong}");
        }
    }
}
