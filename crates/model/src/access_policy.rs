//! The access policies of vaults: per principal, the permissions for keys, secrets, certificates and storage.
//!
//! Source: `AccessPolicyEntry` of `Microsoft.KeyVault/vaults`, api-version 2026-02-01.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::name::PrincipalId;
use super::{Error, Field, Result};

/// The permissions for one kind of object that a policy may list.
#[derive(Clone, Copy, Debug)]
struct Known {
    what: &'static str,
    field: Field,
    names: &'static [&'static str],
}

/// Includes every other permission except `purge`, which must be listed
/// (<https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview>).
pub(super) const ALL: &str = "all";

/// The permission that [`ALL`] does not include.
pub(super) const PURGE: &str = "purge";

const KEYS: Known = Known {
    what: "keys",
    field: Field::AccessPoliciesKeys,
    names: &[
        ALL,
        "encrypt",
        "decrypt",
        "wrapKey",
        "unwrapKey",
        "sign",
        "verify",
        "get",
        "list",
        "create",
        "update",
        "import",
        "delete",
        "backup",
        "restore",
        "recover",
        PURGE,
        "release",
        "rotate",
        "getrotationpolicy",
        "setrotationpolicy",
    ],
};

const SECRETS: Known = Known {
    what: "secrets",
    field: Field::AccessPoliciesSecrets,
    names: &[ALL, "get", "list", "set", "delete", "backup", "restore", "recover", PURGE],
};

const CERTIFICATES: Known = Known {
    what: "certificates",
    field: Field::AccessPoliciesCertificates,
    names: &[
        ALL,
        "get",
        "list",
        "delete",
        "create",
        "import",
        "update",
        "managecontacts",
        "getissuers",
        "listissuers",
        "setissuers",
        "deleteissuers",
        "manageissuers",
        "recover",
        PURGE,
        "backup",
        "restore",
    ],
};

const STORAGE: Known = Known {
    what: "storage",
    field: Field::AccessPoliciesStorage,
    names: &[
        ALL,
        "get",
        "list",
        "delete",
        "set",
        "update",
        "regeneratekey",
        "recover",
        PURGE,
        "backup",
        "restore",
        "setsas",
        "listsas",
        "getsas",
        "deletesas",
    ],
};

/// The permissions of a policy, in the order and spelling of the request. `None` if the request did not have the member.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Permissions {
    /// For keys.
    pub keys: Option<Vec<String>>,
    /// For secrets.
    pub secrets: Option<Vec<String>>,
    /// For certificates.
    pub certificates: Option<Vec<String>>,
    /// For managed storage accounts, which the service does not have.
    pub storage: Option<Vec<String>>,
}

impl Permissions {
    fn lists(&self) -> [(Known, Option<&Vec<String>>); 4] {
        [
            (KEYS, self.keys.as_ref()),
            (SECRETS, self.secrets.as_ref()),
            (CERTIFICATES, self.certificates.as_ref()),
            (STORAGE, self.storage.as_ref()),
        ]
    }

    /// Checks that all permissions are known; case is ignored.
    ///
    /// # Errors
    /// `Invalid` naming the list.
    pub fn check(&self) -> Result<()> {
        for (known, given) in self.lists() {
            for name in given.into_iter().flatten() {
                if !known.names.iter().any(|one| one.eq_ignore_ascii_case(name)) {
                    let name = super::field::shorten(name);
                    let why = format!(
                        "{name:?} is not a permission for {}; they are {}",
                        known.what,
                        known.names.join(", ")
                    );
                    return Err(Error::invalid(known.field, why));
                }
            }
        }
        Ok(())
    }

    fn combine(&self, other: &Self, change: fn(&[String], &[String]) -> Vec<String>) -> Self {
        let list = |mine: &Option<Vec<String>>, others: &Option<Vec<String>>| match (mine, others) {
            (None, None) => None,
            (mine, others) => {
                Some(change(mine.as_deref().unwrap_or_default(), others.as_deref().unwrap_or_default()))
            }
        };
        Self {
            keys: list(&self.keys, &other.keys),
            secrets: list(&self.secrets, &other.secrets),
            certificates: list(&self.certificates, &other.certificates),
            storage: list(&self.storage, &other.storage),
        }
    }

    /// Returns these permissions and those of `other`.
    fn with(&self, other: &Self) -> Self {
        self.combine(other, |mine, others| {
            let mut all = mine.to_vec();
            for name in others {
                if !has(&all, name) {
                    all.push(name.clone());
                }
            }
            all
        })
    }

    /// Returns these permissions without those of `other`.
    fn without(&self, other: &Self) -> Self {
        self.combine(other, |mine, others| mine.iter().filter(|name| !has(others, name)).cloned().collect())
    }

    fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_none_or(Vec::is_empty))
    }
}

fn has(list: &[String], name: &str) -> bool {
    list.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// The permissions of a principal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccessPolicy {
    /// The tenant of the principal; must be that of the vault.
    pub tenant: Uuid,
    /// The user, group or service principal.
    pub principal: PrincipalId,
    /// If set, only calls of this application on behalf of the principal have the permissions.
    pub application: Option<Uuid>,
    /// The permissions.
    pub permissions: Permissions,
}

impl AccessPolicy {
    fn is_for_same(&self, other: &Self) -> bool {
        (self.tenant, self.principal, self.application) == (other.tenant, other.principal, other.application)
    }
}

/// A change of the policies of some principals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PolicyChange {
    /// Adds permissions.
    Add,
    /// Replaces the permissions of the given principals.
    Replace,
    /// Removes permissions. A policy without permissions is removed.
    Remove,
}

/// The access policies of a vault, in order of their creation.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct AccessPolicies(Vec<AccessPolicy>);

impl AccessPolicies {
    /// The maximum number of policies of a vault.
    ///
    /// Source: "Azure Key Vault service limits" of Azure's documentation.
    pub const MAX: usize = 1024;

    /// Returns the policies in order.
    pub fn iter(&self) -> impl Iterator<Item = &AccessPolicy> {
        self.0.iter()
    }

    /// Checks the number of policies.
    ///
    /// # Errors
    /// `Invalid` naming the policies.
    pub fn check_count(&self) -> Result<()> {
        match self.0.len() > Self::MAX {
            true => Err(Error::invalid(Field::AccessPolicies, "there are at most 1024 policies")),
            false => Ok(()),
        }
    }

    /// Checks the policies that a request has for a vault of this tenant. They are of different principals.
    ///
    /// # Errors
    /// `Invalid` naming the policies, or one list of permissions.
    // assumption: it is not recorded whether Azure refuses two policies of a principal or merges them.
    pub fn check(&self, tenant: Uuid) -> Result<()> {
        let wrong = |why: &str| Err(Error::invalid(Field::AccessPolicies, why));
        self.check_count()?;
        let mut seen = HashSet::new();
        for policy in &self.0 {
            if !seen.insert((policy.principal, policy.application)) {
                let principal = policy.principal;
                return wrong(&format!(
                    "there are two policies for {principal}; list its permissions in one"
                ));
            }
            if policy.tenant != tenant {
                return wrong("the tenant of a policy must be that of the vault");
            }
            policy.permissions.check()?;
        }
        Ok(())
    }

    /// Returns the policies after a change.
    #[must_use]
    pub fn changed(&self, change: PolicyChange, by: &Self) -> Self {
        let mut all = self.0.clone();
        for policy in &by.0 {
            let known = all.iter_mut().find(|known| known.is_for_same(policy));
            match (known, change) {
                (Some(known), PolicyChange::Add) => {
                    known.permissions = known.permissions.with(&policy.permissions);
                }
                (Some(known), PolicyChange::Replace) => known.permissions = policy.permissions.clone(),
                (Some(known), PolicyChange::Remove) => {
                    known.permissions = known.permissions.without(&policy.permissions);
                }
                (None, PolicyChange::Add | PolicyChange::Replace) => all.push(policy.clone()),
                (None, PolicyChange::Remove) => {}
            }
        }
        if change == PolicyChange::Remove {
            let is_changed = |policy: &AccessPolicy| by.0.iter().any(|given| given.is_for_same(policy));
            all.retain(|policy| !(policy.permissions.is_empty() && is_changed(policy)));
        }
        Self(all)
    }
}

impl FromIterator<AccessPolicy> for AccessPolicies {
    fn from_iter<I: IntoIterator<Item = AccessPolicy>>(policies: I) -> Self {
        Self(policies.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Option<Vec<String>> {
        Some(list.iter().map(|name| (*name).to_owned()).collect())
    }

    fn policy(principal: u128, keys: &[&str]) -> AccessPolicy {
        let permissions = Permissions { keys: names(keys), ..Permissions::default() };
        let principal = PrincipalId(Uuid::from_u128(principal));
        AccessPolicy { tenant: Uuid::nil(), principal, application: None, permissions }
    }

    fn policies(list: &[AccessPolicy]) -> AccessPolicies {
        list.iter().cloned().collect()
    }

    #[test]
    fn permissions_are_added_replaced_and_removed_per_principal() {
        let before = policies(&[policy(1, &["Get"]), policy(2, &["all"])]);
        let by = policies(&[policy(1, &["get", "purge"]), policy(3, &["list"])]);
        let added = before.changed(PolicyChange::Add, &by);
        assert_eq!(
            added,
            policies(&[policy(1, &["Get", "purge"]), policy(2, &["all"]), policy(3, &["list"])])
        );
        let replaced = before.changed(PolicyChange::Replace, &by);
        assert_eq!(
            replaced,
            policies(&[policy(1, &["get", "purge"]), policy(2, &["all"]), policy(3, &["list"])])
        );
        let without_permissions = policies(&[policy(4, &[]), policy(5, &[])]);
        let removed = without_permissions.changed(PolicyChange::Remove, &policies(&[policy(5, &["get"])]));
        assert_eq!(removed, policies(&[policy(4, &[])]));
        // The first policy has no permissions left.
        assert_eq!(before.changed(PolicyChange::Remove, &by), policies(&[policy(2, &["all"])]));
        let other_application = AccessPolicy { application: Some(Uuid::from_u128(9)), ..policy(1, &["get"]) };
        assert_eq!(before.changed(PolicyChange::Remove, &policies(&[other_application])), before);
    }

    #[test]
    fn rejects_unknown_permissions_foreign_tenants_and_repetition() {
        assert_eq!(policies(&[policy(1, &["WRAPKEY", "all"])]).check(Uuid::nil()), Ok(()));
        let field = |policies: &AccessPolicies| match policies.check(Uuid::nil()) {
            Err(Error::Invalid { field, .. }) => Some(field),
            _ => None,
        };
        assert_eq!(field(&policies(&[policy(1, &["set"])])), Some(Field::AccessPoliciesKeys));
        let foreign = AccessPolicy { tenant: Uuid::from_u128(1), ..policy(1, &[]) };
        assert_eq!(field(&policies(&[foreign])), Some(Field::AccessPolicies));
        let twice = policies(&[policy(1, &["get"]), policy(2, &[]), policy(1, &["list"])]);
        assert_eq!(field(&twice), Some(Field::AccessPolicies));
        let application = AccessPolicy { application: Some(Uuid::from_u128(9)), ..policy(1, &["get"]) };
        assert_eq!(field(&policies(&[policy(1, &["get"]), application])), None);
        let many: AccessPolicies = (0..1025).map(|number| policy(number, &["get"])).collect();
        assert_eq!(field(&many), Some(Field::AccessPolicies));
    }
}
