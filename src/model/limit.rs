//! How many of a kind there may be.
//!
//! Operations ask early, so that a refused call touches no token; the store asks again where a change is applied,
//! because several calls may have seen the same free room.

use super::rbac::Scope;
use super::{Error, Result};

/// The most there may be of a kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    what: &'static str,
    most: usize,
}

impl Limit {
    /// The number.
    pub const fn most(self) -> usize {
        self.most
    }

    /// Whether there is room for one more beside those that are there.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub const fn room(self, there: usize) -> Result<()> {
        if there < self.most {
            return Ok(());
        }
        Err(Error::LimitExceeded { what: self.what, limit: self.most })
    }
}

/// Managed HSMs of one subscription in one location, deleted ones included: they keep their hardware
/// (Azure's service limits).
pub const HSMS: Limit =
    Limit { what: "managed HSMs in a subscription and location, deleted ones included", most: 5 };

/// Keys of one HSM, live and deleted (Azure's service limits).
pub const KEYS: Limit = Limit { what: "keys in an HSM", most: 5000 };

/// Versions of one key, those made by rotation included.
pub const VERSIONS: Limit = Limit { what: "versions of a key", most: 100 };

/// Custom role definitions of one HSM (Azure's service limits).
pub const DEFINITIONS: Limit = Limit { what: "custom role definitions", most: 50 };

/// Role assignments of one HSM at `/`, and at `/keys` (Azure's service limits).
const ASSIGNMENTS_AT_HSM: Limit = Limit { what: "role assignments at this scope", most: 50 };

/// Role assignments at one key (Azure's service limits).
const ASSIGNMENTS_AT_KEY: Limit = Limit { what: "role assignments at one key", most: 10 };

/// How many role assignments of an HSM there may be at a scope.
pub const fn assignments_at(scope: &Scope) -> Limit {
    match scope {
        Scope::Hsm | Scope::Keys => ASSIGNMENTS_AT_HSM,
        Scope::Key(_) => ASSIGNMENTS_AT_KEY,
    }
}

/// Role assignments of the control plane in one subscription (Azure's service limits).
pub const CONTROL_ASSIGNMENTS: Limit = Limit { what: "role assignments in a subscription", most: 4000 };

/// Resource groups of one subscription (Azure's service limits).
pub const RESOURCE_GROUPS: Limit = Limit { what: "resource groups in a subscription", most: 980 };

/// Budgets of one subscription.
// assumption: there is no recorded limit for budgets of HSMs; this one bounds what is computed for them.
pub const BUDGETS: Limit = Limit { what: "budgets in a subscription", most: 100 };
