//! Limits on the number of resources.
//!
//! Operations check a limit first, so that a rejected call does not reach the token. The store checks it again when it
//! applies the change, because concurrent calls may each have passed the first check.

use super::container_id::ContainerKind;
use super::local_rbac::LocalScope;
use super::{Error, Result};

/// The maximum number of resources of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    what: &'static str,
    max: usize,
}

impl Limit {
    /// Checks that one more resource can be added to `existing` ones.
    ///
    /// # Errors
    /// `LimitExceeded` if the maximum is reached.
    pub const fn check_capacity(self, existing: usize) -> Result<()> {
        if existing < self.max {
            return Ok(());
        }
        Err(Error::LimitExceeded { what: self.what, limit: self.max })
    }
}

/// Managed HSMs of one subscription in one location, deleted ones included: they keep their hardware
/// (Azure's service limits).
pub const HSMS: Limit =
    Limit { what: "managed HSMs in a subscription and location, deleted ones included", max: 5 };

/// Keys of one HSM, live and deleted (Azure's service limits).
const KEYS: Limit = Limit { what: "keys in an HSM", max: 5000 };

/// Versions of one key, including those created by rotation.
const VERSIONS: Limit = Limit { what: "versions of a key", max: 100 };

/// Keys of one vault, live and deleted.
// assumption: Azure has no limit; this one bounds the memory of the service.
const KEYS_OF_VAULT: Limit = Limit { what: "keys in a vault", max: 100_000 };

/// Versions of one key of a vault.
// assumption: Azure has no limit; the backup of a key has at most 500 versions.
const VERSIONS_OF_VAULT: Limit = Limit { what: "versions of a key", max: 10_000 };

/// Secrets of one vault, live and deleted.
// assumption: Azure has no limit; this one bounds the memory of the service.
pub const SECRETS: Limit = Limit { what: "secrets in a vault", max: 100_000 };

/// Versions of one secret.
// assumption: Azure has no limit; the backup of a secret has at most 500 versions.
pub const SECRET_VERSIONS: Limit = Limit { what: "versions of a secret", max: 10_000 };

/// Certificates of one vault, live and deleted.
// assumption: Azure has no limit; this one bounds the memory of the service.
pub const CERTIFICATES: Limit = Limit { what: "certificates in a vault", max: 10_000 };

/// Versions of one certificate.
// assumption: Azure has no limit; the backup of a certificate has at most 500 versions.
pub const CERTIFICATE_VERSIONS: Limit = Limit { what: "versions of a certificate", max: 1000 };

/// Versions in the backup of a secret, key or certificate of a vault
/// (<https://learn.microsoft.com/azure/key-vault/general/backup>).
pub const BACKUP_VERSIONS: Limit = Limit { what: "versions in a backup", max: 500 };

/// Vaults of one subscription, deleted ones included.
// assumption: Azure has no limit; this one bounds the number of tokens.
pub const VAULTS: Limit = Limit { what: "vaults in a subscription, deleted ones included", max: 500 };

/// Custom role definitions of one HSM (Azure's service limits).
pub const DEFINITIONS: Limit = Limit { what: "custom role definitions", max: 50 };

/// Role assignments of one HSM at `/`, and at `/keys` (Azure's service limits).
const ASSIGNMENTS_AT_HSM: Limit = Limit { what: "role assignments at this scope", max: 50 };

/// Role assignments at one key (Azure's service limits).
const ASSIGNMENTS_AT_KEY: Limit = Limit { what: "role assignments at one key", max: 10 };

/// Returns the limit on role assignments of an HSM at a scope.
pub const fn assignments_at(scope: &LocalScope) -> Limit {
    match scope {
        LocalScope::Hsm | LocalScope::Keys => ASSIGNMENTS_AT_HSM,
        LocalScope::Key(_) => ASSIGNMENTS_AT_KEY,
    }
}

/// Custom role definitions of the control plane in one tenant (Azure's service limits).
pub const CONTROL_DEFINITIONS: Limit = Limit { what: "custom role definitions in a tenant", max: 5000 };

/// Role assignments of the control plane in one subscription (Azure's service limits).
pub const CONTROL_ASSIGNMENTS: Limit = Limit { what: "role assignments in a subscription", max: 4000 };

/// Resource groups of one subscription (Azure's service limits).
pub const RESOURCE_GROUPS: Limit = Limit { what: "resource groups in a subscription", max: 980 };

/// Budgets of one subscription.
// assumption: no limit for budgets of HSMs is recorded; this one bounds the cost of evaluating them.
pub const BUDGETS: Limit = Limit { what: "budgets in a subscription", max: 100 };

/// The limits on the contents of a container.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContainerLimits {
    /// Keys, live and deleted.
    pub keys: Limit,
    /// Versions of one key, including those created by rotation.
    pub versions: Limit,
}

impl ContainerKind {
    /// Returns the limits on its contents.
    pub const fn limits(self) -> ContainerLimits {
        match self {
            Self::ManagedHsm => ContainerLimits { keys: KEYS, versions: VERSIONS },
            // Azure publishes no limit for vaults.
            Self::Vault => ContainerLimits { keys: KEYS_OF_VAULT, versions: VERSIONS_OF_VAULT },
        }
    }
}
