//! Decides by the access policies of a vault whether a caller has a permission.

use uuid::Uuid;

use super::access_policy::{ALL, AccessPolicies, AccessPolicy, PURGE, Permissions};
use super::name::PrincipalId;
use super::vault_object::ObjectKind;
use super::vault_rbac::PolicyPermission;

/// A decision by access policies and the reason for it. The default is to deny.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PolicyDecision<'a> {
    /// This policy lists the permission, in this spelling: by its name, or as `all`. It is the first match; there may be more.
    Allowed(&'a AccessPolicy, &'a str),
    /// Only this policy lists the permission, and it is for calls of another application.
    OtherApplication(&'a AccessPolicy),
    /// No policy of the caller or its groups lists the permission.
    Missing,
}

impl Permissions {
    /// Returns the permissions for a kind of object.
    pub fn of(&self, kind: ObjectKind) -> &[String] {
        let list = match kind {
            ObjectKind::Key => &self.keys,
            ObjectKind::Secret => &self.secrets,
            ObjectKind::Certificate => &self.certificates,
        };
        list.as_deref().unwrap_or_default()
    }

    /// Returns the first entry that includes the permission: its name, or `all`, which includes every one except `purge`
    /// (<https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview>). Case is ignored.
    pub fn including(&self, permission: PolicyPermission) -> Option<&str> {
        let includes = |listed: &&String| {
            permission.any_of.iter().any(|wanted| {
                let all = *wanted != PURGE && listed.eq_ignore_ascii_case(ALL);
                all || listed.eq_ignore_ascii_case(wanted)
            })
        };
        self.of(permission.kind).iter().find(includes).map(String::as_str)
    }
}

impl AccessPolicies {
    /// Decides whether a caller has a permission. `is_caller` returns whether a principal is the caller or one of its groups;
    /// `application` is that of its access token. A policy with an application applies only to calls of that application.
    pub fn decide(
        &self,
        is_caller: impl Fn(PrincipalId) -> bool,
        application: Option<Uuid>,
        permission: PolicyPermission,
    ) -> PolicyDecision<'_> {
        let listing = self
            .iter()
            .filter(|policy| is_caller(policy.principal))
            .filter_map(|policy| policy.permissions.including(permission).map(|listed| (policy, listed)));
        // assumption: the refusal of a compound policy is recorded for a caller without other policies; here, the policy must
        // list the permission, and no other policy may.
        let mut decision = PolicyDecision::Missing;
        for (policy, listed) in listing {
            if policy.application.is_none() || policy.application == application {
                return PolicyDecision::Allowed(policy, listed);
            }
            decision = PolicyDecision::OtherApplication(policy);
        }
        decision
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault_rbac::VaultAction;

    const ADA: u128 = 1;
    const TEAM: u128 = 2;
    const APPLICATION: u128 = 3;

    fn policy(principal: u128, secrets: &[&str]) -> AccessPolicy {
        let secrets = Some(secrets.iter().map(|name| (*name).to_owned()).collect());
        AccessPolicy {
            tenant: Uuid::nil(),
            principal: PrincipalId(Uuid::from_u128(principal)),
            application: None,
            permissions: Permissions { secrets, ..Permissions::default() },
        }
    }

    fn compound(policy: AccessPolicy) -> AccessPolicy {
        AccessPolicy { application: Some(Uuid::from_u128(APPLICATION)), ..policy }
    }

    /// Decides for a caller that is Ada, a member of the team, and calls by an application.
    fn decide(policies: &[AccessPolicy], application: Option<u128>, action: VaultAction) -> String {
        let policies: AccessPolicies = policies.iter().cloned().collect();
        let is_caller = |PrincipalId(id): PrincipalId| [ADA, TEAM].map(Uuid::from_u128).contains(&id);
        let application = application.map(Uuid::from_u128);
        match policies.decide(is_caller, application, action.policy_permission()) {
            PolicyDecision::Allowed(policy, listed) => {
                format!("{listed} of {}", policy.principal.0.as_u128())
            }
            PolicyDecision::OtherApplication(_) => "other application".to_owned(),
            PolicyDecision::Missing => "missing".to_owned(),
        }
    }

    #[test]
    fn default_is_to_deny() {
        for action in VaultAction::ALL {
            assert_eq!(decide(&[], None, *action), "missing");
            assert_eq!(decide(&[policy(ADA, &[])], None, *action), "missing");
            assert_eq!(decide(&[policy(9, &["all", "purge"])], None, *action), "missing");
        }
    }

    #[test]
    fn permissions_are_case_insensitive_and_of_one_kind() {
        let policies = [policy(ADA, &["GET"])];
        assert_eq!(decide(&policies, None, VaultAction::SecretGet), "GET of 1");
        assert_eq!(decide(&policies, None, VaultAction::DeletedSecretRead), "GET of 1");
        for missing in [VaultAction::KeyRead, VaultAction::CertificateRead, VaultAction::SecretList] {
            assert_eq!(decide(&policies, None, missing), "missing");
        }
    }

    #[test]
    fn all_includes_every_permission_except_purge() {
        let all = |kind: ObjectKind, listed: &str| {
            let list = Some(vec![listed.to_owned()]);
            let mut permissions = Permissions::default();
            match kind {
                ObjectKind::Key => permissions.keys = list,
                ObjectKind::Secret => permissions.secrets = list,
                ObjectKind::Certificate => permissions.certificates = list,
            }
            permissions
        };
        for action in VaultAction::ALL {
            let wanted = action.policy_permission();
            let included = all(wanted.kind, "All").including(wanted).is_some();
            assert_eq!(included, !wanted.any_of.contains(&"purge"), "{action:?}");
            assert_eq!(all(wanted.kind, "purge").including(wanted).is_some(), !included, "{action:?}");
            for kind in ObjectKind::ALL.into_iter().filter(|kind| *kind != wanted.kind) {
                assert_eq!(all(kind, "all").including(wanted), None, "{action:?}");
            }
        }
        let policies = [policy(ADA, &["all"]), policy(TEAM, &["purge"])];
        assert_eq!(decide(&policies, None, VaultAction::SecretPurge), "purge of 2");
        assert_eq!(decide(&policies[..1], None, VaultAction::SecretPurge), "missing");
    }

    #[test]
    fn one_of_several_permissions_suffices() {
        let certificates = |listed: &str| Permissions {
            certificates: Some(vec![listed.to_owned()]),
            ..Permissions::default()
        };
        let included = |listed: &str, action: VaultAction| {
            certificates(listed).including(action.policy_permission()).is_some()
        };
        for (action, own) in [
            (VaultAction::CertificateIssuerRead, "getissuers"),
            (VaultAction::CertificateIssuerList, "listissuers"),
            (VaultAction::CertificateIssuerWrite, "setissuers"),
            (VaultAction::CertificateIssuerDelete, "deleteissuers"),
        ] {
            assert!(included(own, action) && included("manageIssuers", action), "{action:?}");
            assert!(!included("get", action) && !included("managecontacts", action), "{action:?}");
        }
        assert!(!included("manageissuers", VaultAction::CertificateContactsWrite));
    }

    #[test]
    fn policies_of_groups_add_up() {
        let policies = [policy(ADA, &["list"]), policy(TEAM, &["get"])];
        assert_eq!(decide(&policies, None, VaultAction::SecretGet), "get of 2");
        assert_eq!(decide(&policies, None, VaultAction::SecretList), "list of 1");
        assert_eq!(decide(&policies, None, VaultAction::SecretSet), "missing");
    }

    #[test]
    fn compound_policy_applies_to_calls_of_its_application_only() {
        let get = VaultAction::SecretGet;
        let policies = [compound(policy(ADA, &["get"]))];
        assert_eq!(decide(&policies, Some(APPLICATION), get), "get of 1");
        for other in [None, Some(9)] {
            assert_eq!(decide(&policies, other, get), "other application");
            assert_eq!(decide(&policies, other, VaultAction::SecretSet), "missing");
        }
        assert_eq!(decide(&[compound(policy(9, &["get"]))], Some(APPLICATION), get), "missing");
        let with_own = [compound(policy(ADA, &["get"])), policy(ADA, &["get"])];
        assert_eq!(decide(&with_own, None, get), "get of 1");
    }
}
