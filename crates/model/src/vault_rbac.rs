//! The data plane of vaults: its actions, and the permission of access policies that corresponds to each.

use std::fmt;
use std::str::FromStr;

use super::arm_rbac::{ControlAction, ControlScope};
use super::field::{Field, InvalidValue};
use super::local_rbac::DataAction;
use super::role::{GrantableAction, Permission, RoleGrant, actions};
pub use super::vault_object::{ObjectKind, ObjectScope};

/// A role assignment of ARM RBAC joined with the data actions of its role definition.
pub type VaultGrant = RoleGrant<VaultAction>;

/// The prefix of every data action.
const PREFIX: &str = "Microsoft.KeyVault/vaults";

// Some lack the suffix `/action`, as the role definitions of Azure have them.
actions! {
    /// An action on the data plane of a vault: a data action that a role of ARM RBAC must grant, or a permission that an access
    /// policy must list. Each variant is another pair of the two, so that several have the same data action.
    ///
    /// Source: Azure's list of resource provider operations, and the permission that the reference of each operation names.
    VaultAction under "Microsoft.KeyVault/vaults" {
        CertificateRead = "/certificates/read",
        CertificateList = "/certificates/read",
        CertificateCreate = "/certificates/create/action",
        CertificateImport = "/certificates/import/action",
        CertificateUpdate = "/certificates/update/action",
        CertificateDelete = "/certificates/delete",
        CertificateRecover = "/certificates/recover/action",
        CertificatePurge = "/certificates/purge/action",
        CertificateBackup = "/certificates/backup/action",
        CertificateRestore = "/certificates/restore/action",
        CertificateContactsWrite = "/certificatecontacts/write",
        CertificateIssuerRead = "/certificatecas/read",
        CertificateIssuerList = "/certificatecas/read",
        CertificateIssuerWrite = "/certificatecas/write",
        CertificateIssuerDelete = "/certificatecas/delete",
        KeyRead = "/keys/read",
        KeyList = "/keys/read",
        KeyCreate = "/keys/create/action",
        KeyImport = "/keys/import/action",
        KeyUpdate = "/keys/update/action",
        KeyDelete = "/keys/delete",
        KeyRecover = "/keys/recover/action",
        KeyPurge = "/keys/purge/action",
        KeyBackup = "/keys/backup/action",
        KeyRestore = "/keys/restore/action",
        KeyEncrypt = "/keys/encrypt/action",
        KeyDecrypt = "/keys/decrypt/action",
        KeyWrap = "/keys/wrap/action",
        KeyUnwrap = "/keys/unwrap/action",
        KeySign = "/keys/sign/action",
        KeyVerify = "/keys/verify/action",
        KeyRelease = "/keys/release/action",
        KeyRotate = "/keys/rotate/action",
        KeyRotationPolicyRead = "/keyrotationpolicies/read",
        KeyRotationPolicyWrite = "/keyrotationpolicies/write",
        SecretGet = "/secrets/getSecret/action",
        SecretList = "/secrets/readMetadata/action",
        // assumption: it is not recorded which data action reading a deleted secret requires.
        DeletedSecretRead = "/secrets/readMetadata/action",
        SecretSet = "/secrets/setSecret/action",
        SecretUpdate = "/secrets/update/action",
        SecretDelete = "/secrets/delete",
        SecretRecover = "/secrets/recover/action",
        SecretPurge = "/secrets/purge/action",
        SecretBackup = "/secrets/backup/action",
        SecretRestore = "/secrets/restore/action",
    }
}

/// What an access policy must list for an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PolicyPermission {
    /// The kind of object whose list of permissions decides.
    pub kind: ObjectKind,
    /// The permissions, one of which suffices. Refusals name the first.
    pub any_of: &'static [&'static str],
}

impl fmt::Display for PolicyPermission {
    /// Writes the permission that refusals name: `secrets get`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.collection(), self.any_of.first().copied().unwrap_or_default())
    }
}

impl FromStr for VaultAction {
    type Err = InvalidValue;

    /// Parses a data action, in full, without the prefix, or without the prefix and `/action`; or a permission of access
    /// policies, for example `secrets/get`. Case is ignored. Of several actions with the same data action, this is the first.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let tail = text.get(PREFIX.len()..).filter(|_| text[..PREFIX.len()].eq_ignore_ascii_case(PREFIX));
        let tail = tail.unwrap_or(text);
        let tail = tail.strip_prefix('/').unwrap_or(tail);
        let is_data_action = |action: &Self| {
            let full = &action.as_str()[PREFIX.len() + 1..];
            let short = full.strip_suffix("/action").unwrap_or(full);
            full.eq_ignore_ascii_case(tail) || short.eq_ignore_ascii_case(tail)
        };
        let is_permission = |action: &Self| {
            let permission = action.policy_permission();
            tail.split_once('/').is_some_and(|(kind, name)| {
                permission.kind.collection().eq_ignore_ascii_case(kind)
                    && permission.any_of.iter().any(|one| one.eq_ignore_ascii_case(name))
            })
        };
        let all = || Self::ALL.iter().copied();
        all().find(is_data_action).or_else(|| all().find(is_permission)).ok_or_else(|| {
            let text = super::field::shorten(text);
            InvalidValue::new(
                Field::Action,
                format!("{text:?} is neither a data action of vaults nor a permission of access policies"),
            )
        })
    }
}

impl VaultAction {
    /// Returns the permission that an access policy must list.
    pub const fn policy_permission(self) -> PolicyPermission {
        use ObjectKind::{Certificate, Key, Secret};
        let (kind, any_of): (_, &'static [&'static str]) = match self {
            Self::CertificateRead => (Certificate, &["get"]),
            Self::CertificateList => (Certificate, &["list"]),
            Self::CertificateCreate => (Certificate, &["create"]),
            Self::CertificateImport => (Certificate, &["import"]),
            Self::CertificateUpdate => (Certificate, &["update"]),
            Self::CertificateDelete => (Certificate, &["delete"]),
            Self::CertificateRecover => (Certificate, &["recover"]),
            Self::CertificatePurge => (Certificate, &["purge"]),
            Self::CertificateBackup => (Certificate, &["backup"]),
            Self::CertificateRestore => (Certificate, &["restore"]),
            Self::CertificateContactsWrite => (Certificate, &["managecontacts"]),
            Self::CertificateIssuerRead => (Certificate, &["getissuers", "manageissuers"]),
            Self::CertificateIssuerList => (Certificate, &["listissuers", "manageissuers"]),
            Self::CertificateIssuerWrite => (Certificate, &["setissuers", "manageissuers"]),
            Self::CertificateIssuerDelete => (Certificate, &["deleteissuers", "manageissuers"]),
            Self::KeyRead => (Key, &["get"]),
            Self::KeyList => (Key, &["list"]),
            Self::KeyCreate => (Key, &["create"]),
            Self::KeyImport => (Key, &["import"]),
            Self::KeyUpdate => (Key, &["update"]),
            Self::KeyDelete => (Key, &["delete"]),
            Self::KeyRecover => (Key, &["recover"]),
            Self::KeyPurge => (Key, &["purge"]),
            Self::KeyBackup => (Key, &["backup"]),
            Self::KeyRestore => (Key, &["restore"]),
            Self::KeyEncrypt => (Key, &["encrypt"]),
            Self::KeyDecrypt => (Key, &["decrypt"]),
            Self::KeyWrap => (Key, &["wrapKey"]),
            Self::KeyUnwrap => (Key, &["unwrapKey"]),
            Self::KeySign => (Key, &["sign"]),
            Self::KeyVerify => (Key, &["verify"]),
            Self::KeyRelease => (Key, &["release"]),
            Self::KeyRotate => (Key, &["rotate"]),
            Self::KeyRotationPolicyRead => (Key, &["getrotationpolicy"]),
            Self::KeyRotationPolicyWrite => (Key, &["setrotationpolicy"]),
            Self::SecretGet | Self::DeletedSecretRead => (Secret, &["get"]),
            Self::SecretList => (Secret, &["list"]),
            Self::SecretSet | Self::SecretUpdate => (Secret, &["set"]),
            Self::SecretDelete => (Secret, &["delete"]),
            Self::SecretRecover => (Secret, &["recover"]),
            Self::SecretPurge => (Secret, &["purge"]),
            Self::SecretBackup => (Secret, &["backup"]),
            Self::SecretRestore => (Secret, &["restore"]),
        };
        PolicyPermission { kind, any_of }
    }

    /// Returns the action whose data action also allows this one, if there is one: who may read an asymmetric key may use its
    /// public key. This is a rule of Azure RBAC only, not of access policies. The key is not known when the call is authorized: the
    /// rule requires that vaults have no symmetric keys.
    ///
    /// Source: the descriptions of the data actions in "Azure permissions for Security" of Azure's documentation.
    pub const fn included_in(self) -> Option<Self> {
        match self {
            Self::KeyEncrypt | Self::KeyVerify | Self::KeyWrap => Some(Self::KeyRead),
            _ => None,
        }
    }

    /// Returns `None`: no local role grants an action on a vault.
    pub const fn data_action(self) -> Option<DataAction> {
        None
    }

    /// Returns `None`: the actions of a role do not include its data actions.
    pub const fn control_action(self) -> Option<ControlAction> {
        None
    }

    /// Returns this action.
    pub const fn vault_action(self) -> Option<Self> {
        Some(self)
    }
}

impl GrantableAction for VaultAction {
    type Scope = ControlScope;
    const ALL: &'static [Self] = Self::ALL;

    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }

    fn bit_index(self) -> u32 {
        self as u32
    }

    fn action_lists(block: &Permission) -> (&[String], &[String]) {
        (&block.data_actions, &block.not_data_actions)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_action_is_another_pair_of_data_action_and_permission() {
        let pairs: HashSet<_> = VaultAction::ALL
            .iter()
            .map(|action| {
                let permission = action.policy_permission();
                (action.as_str(), permission.kind, permission.any_of)
            })
            .collect();
        assert_eq!(pairs.len(), VaultAction::ALL.len());
    }

    #[test]
    fn actions_parse_as_data_actions_and_as_permissions() {
        for action in VaultAction::ALL {
            let parsed: VaultAction = action.as_str().to_uppercase().parse().unwrap();
            assert_eq!(parsed.as_str(), action.as_str());
            let permission = action.policy_permission();
            for name in permission.any_of {
                let text = format!("{}/{name}", permission.kind.collection());
                let parsed = text.parse::<VaultAction>().unwrap().policy_permission();
                assert_eq!((parsed.kind, parsed.any_of.contains(name)), (permission.kind, true), "{text}");
            }
        }
        for (text, action) in [
            ("secrets/get", VaultAction::SecretGet),
            ("secrets/getSecret", VaultAction::SecretGet),
            ("secrets/list", VaultAction::SecretList),
            ("secrets/set", VaultAction::SecretSet),
            ("keys/wrapKey", VaultAction::KeyWrap),
            ("keys/wrap", VaultAction::KeyWrap),
            ("certificatecas/write", VaultAction::CertificateIssuerWrite),
            ("certificates/managecontacts", VaultAction::CertificateContactsWrite),
        ] {
            assert_eq!(text.parse::<VaultAction>().unwrap(), action, "{text}");
        }
        for wrong in
            ["", "secrets", "secrets/", "keys/sing", "Microsoft.KeyVault/managedHsm/keys/sign/action", "é"]
        {
            assert!(wrong.parse::<VaultAction>().is_err(), "{wrong}");
        }
    }
}
