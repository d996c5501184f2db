//! Local RBAC: data actions and scopes of a managed HSM's role-based access control.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::arm_rbac::ControlAction;
use super::field::{Field, InvalidValue};
use super::name::KeyName;
use super::role::{Assignment, RoleGrant, actions};
use super::vault_rbac::{ObjectScope, VaultAction};

/// The name of the role that initial administrators get; it is never assigned automatically otherwise.
pub const ADMINISTRATOR_ROLE: &str = "Managed HSM Administrator";
pub use super::role::{GrantableAction, HierarchicalScope, Permission, RoleDefinition};

/// A local role assignment.
pub type RoleAssignment = Assignment<LocalScope>;
/// A local role assignment joined with its role definition.
pub type Grant = RoleGrant<DataAction>;

/// The prefix of every data action.
pub const DATA_ACTION_PREFIX: &str = "Microsoft.KeyVault/managedHsm";

// Some lack the suffix `/action` (as recorded).
actions! {
    /// A data action of Managed HSM local RBAC that a role must grant for an operation. Several variants have the same data
    /// action, because vaults require different permissions for their operations: see [`DataAction::vault_action`].
    ///
    /// Source: the role definitions recorded from the service (June 2026).
    DataAction under "Microsoft.KeyVault/managedHsm" {
    BackupStart = "/backup/start/action",
    BackupStatus = "/backup/status/action",
    EkmDelete = "/ekm/delete/action",
    EkmRead = "/ekm/read/action",
    EkmWrite = "/ekm/write/action",
    KeyBackup = "/keys/backup/action",
    KeyCreate = "/keys/create",
    KeyDecrypt = "/keys/decrypt/action",
    KeyDelete = "/keys/delete",
    KeyDerive = "/keys/derive/action",
    DeletedKeyPurge = "/keys/deletedKeys/delete",
    DeletedKeyRead = "/keys/deletedKeys/read/action",
    DeletedKeyList = "/keys/deletedKeys/read/action",
    DeletedKeyRecover = "/keys/deletedKeys/recover/action",
    KeyEncrypt = "/keys/encrypt/action",
    KeyExport = "/keys/export/action",
    KeyImport = "/keys/import/action",
    KeyRead = "/keys/read/action",
    KeyList = "/keys/read/action",
    KeyRelease = "/keys/release/action",
    KeyRestore = "/keys/restore/action",
    KeyRotate = "/keys/rotate/action",
    KeyRotationPolicyRead = "/keys/read/action",
    KeyRotationPolicyWrite = "/keys/write/action",
    KeySign = "/keys/sign/action",
    KeyUnwrap = "/keys/unwrap/action",
    KeyVerify = "/keys/verify/action",
    KeyWrap = "/keys/wrap/action",
    KeyWrite = "/keys/write/action",
    RandomBytes = "/rng/action",
    RestoreStart = "/restore/start/action",
    RestoreStatus = "/restore/status/action",
    RoleAssignmentDelete = "/roleAssignments/delete/action",
    RoleAssignmentRead = "/roleAssignments/read/action",
    RoleAssignmentWrite = "/roleAssignments/write/action",
    RoleDefinitionDelete = "/roleDefinitions/delete/action",
    RoleDefinitionRead = "/roleDefinitions/read/action",
    RoleDefinitionWrite = "/roleDefinitions/write/action",
    SecurityDomainDownload = "/securitydomain/download/action",
    SecurityDomainDownloadRead = "/securitydomain/download/read",
    SecurityDomainTransferKeyRead = "/securitydomain/transferkey/read",
    SecurityDomainUpload = "/securitydomain/upload/action",
    SecurityDomainUploadRead = "/securitydomain/upload/read",
    SettingsRead = "/settings/read/action",
    SettingsWrite = "/settings/write/action",
    }
}

impl DataAction {
    /// Returns this action, which a local role must grant.
    pub const fn data_action(self) -> Option<Self> {
        Some(self)
    }

    /// Returns `None`: no control-plane role grants a data action.
    pub const fn control_action(self) -> Option<ControlAction> {
        None
    }

    /// Returns the action that a role or an access policy must grant if the container is a vault; `None` for actions that
    /// vaults do not have.
    pub const fn vault_action(self) -> Option<VaultAction> {
        match self {
            Self::KeyBackup => Some(VaultAction::KeyBackup),
            Self::KeyCreate => Some(VaultAction::KeyCreate),
            Self::KeyDecrypt => Some(VaultAction::KeyDecrypt),
            Self::KeyDelete => Some(VaultAction::KeyDelete),
            Self::DeletedKeyPurge => Some(VaultAction::KeyPurge),
            Self::DeletedKeyRecover => Some(VaultAction::KeyRecover),
            Self::KeyEncrypt => Some(VaultAction::KeyEncrypt),
            Self::KeyImport => Some(VaultAction::KeyImport),
            Self::KeyRead | Self::DeletedKeyRead => Some(VaultAction::KeyRead),
            Self::KeyList | Self::DeletedKeyList => Some(VaultAction::KeyList),
            Self::KeyRelease => Some(VaultAction::KeyRelease),
            Self::KeyRestore => Some(VaultAction::KeyRestore),
            Self::KeyRotate => Some(VaultAction::KeyRotate),
            Self::KeyRotationPolicyRead => Some(VaultAction::KeyRotationPolicyRead),
            Self::KeyRotationPolicyWrite => Some(VaultAction::KeyRotationPolicyWrite),
            Self::KeySign => Some(VaultAction::KeySign),
            Self::KeyUnwrap => Some(VaultAction::KeyUnwrap),
            Self::KeyVerify => Some(VaultAction::KeyVerify),
            Self::KeyWrap => Some(VaultAction::KeyWrap),
            Self::KeyWrite => Some(VaultAction::KeyUpdate),
            Self::BackupStart
            | Self::BackupStatus
            | Self::EkmDelete
            | Self::EkmRead
            | Self::EkmWrite
            | Self::KeyDerive
            | Self::KeyExport
            | Self::RandomBytes
            | Self::RestoreStart
            | Self::RestoreStatus
            | Self::RoleAssignmentDelete
            | Self::RoleAssignmentRead
            | Self::RoleAssignmentWrite
            | Self::RoleDefinitionDelete
            | Self::RoleDefinitionRead
            | Self::RoleDefinitionWrite
            | Self::SecurityDomainDownload
            | Self::SecurityDomainDownloadRead
            | Self::SecurityDomainTransferKeyRead
            | Self::SecurityDomainUpload
            | Self::SecurityDomainUploadRead
            | Self::SettingsRead
            | Self::SettingsWrite => None,
        }
    }
}

impl GrantableAction for DataAction {
    type Scope = LocalScope;
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

impl FromStr for DataAction {
    type Err = InvalidValue;

    /// Parses a data action: in full, without the prefix, or without the prefix and `/action`.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let tail = text.strip_prefix(DATA_ACTION_PREFIX).unwrap_or(text);
        let tail = tail.strip_prefix('/').unwrap_or(tail);
        Self::ALL
            .iter()
            .copied()
            .find(|action| {
                let full = &action.as_str()[DATA_ACTION_PREFIX.len() + 1..];
                full.eq_ignore_ascii_case(tail)
                    || full.strip_suffix("/action").is_some_and(|short| short.eq_ignore_ascii_case(tail))
            })
            .ok_or_else(|| {
                InvalidValue::new(
                    Field::Action,
                    format!("{:?} is not a data action of Managed HSM", super::field::shorten(text)),
                )
            })
    }
}

/// A scope of local RBAC: the HSM, all its keys, or one key with all versions.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LocalScope {
    /// `/`
    Hsm,
    /// `/keys`
    Keys,
    /// `/keys/{name}`
    Key(KeyName),
}

impl LocalScope {
    /// Returns the scope with the same keys in a vault. A vault has no scope for all keys.
    pub fn in_vault(&self) -> ObjectScope {
        match self {
            Self::Hsm | Self::Keys => ObjectScope::Vault,
            Self::Key(name) => name.into(),
        }
    }
}

impl From<LocalScope> for ObjectScope {
    fn from(scope: LocalScope) -> Self {
        scope.in_vault()
    }
}

impl HierarchicalScope for LocalScope {
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hsm, _) | (Self::Keys, Self::Keys | Self::Key(_)) => true,
            (Self::Key(here), Self::Key(there)) => here.as_str().eq_ignore_ascii_case(there.as_str()),
            _ => false,
        }
    }
}

impl FromStr for LocalScope {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        match text {
            "" | "/" => Ok(Self::Hsm),
            "/keys" | "/keys/" => Ok(Self::Keys),
            _ => match text.strip_prefix("/keys/").map(str::parse) {
                Some(Ok(name)) => Ok(Self::Key(name)),
                _ => Err(InvalidValue::new(Field::Scope, "a scope is /, /keys or /keys/{name}")),
            },
        }
    }
}

impl TryFrom<String> for LocalScope {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<LocalScope> for String {
    fn from(scope: LocalScope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for LocalScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hsm => f.write_str("/"),
            Self::Keys => f.write_str("/keys"),
            Self::Key(name) => write!(f, "/keys/{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn role(data_actions: &[&str], not_data_actions: &[&str]) -> RoleDefinition {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        RoleDefinition {
            id: Uuid::nil(),
            role_name: "r".into(),
            description: String::new(),
            built_in: false,
            permissions: vec![Permission {
                data_actions: owned(data_actions),
                not_data_actions: owned(not_data_actions),
                ..Permission::default()
            }],
            assignable_scopes: Vec::new(),
        }
    }

    #[test]
    fn exclusions_override_grants_and_wildcards_match() {
        let keys =
            role(&["Microsoft.KeyVault/managedHsm/keys/*"], &["Microsoft.KeyVault/managedHsm/keys/*/action"]);
        assert!(keys.grants(DataAction::KeyCreate));
        let granted = keys.granted();
        for action in DataAction::ALL {
            assert_eq!(granted.contains(*action), keys.grants(*action), "{action}");
        }
        assert!(!keys.grants(DataAction::KeySign));
        assert!(!keys.grants(DataAction::RandomBytes));
        assert!(role(&["*"], &[]).grants(DataAction::RandomBytes));
        assert!(!role(&["Microsoft.KeyVault/managedHsm/keys/sign"], &[]).grants(DataAction::KeySign));
        assert!(!role(&[], &[]).grants(DataAction::KeySign));
    }

    #[test]
    fn scope_covers_itself_and_its_descendants() {
        let scope = |text: &str| text.parse::<LocalScope>().unwrap();
        assert!(scope("/").covers(&scope("/keys/a")));
        assert!(scope("/keys").covers(&scope("/keys/a")));
        assert!(scope("/keys/a").covers(&scope("/keys/A")));
        assert!(!scope("/keys/a").covers(&scope("/keys")));
        assert!(!scope("/keys").covers(&scope("/")));
        assert!(scope("/keys/a").is_same_as(&scope("/keys/A")));
        assert!(!scope("/keys/a").is_same_as(&scope("/keys")));
        assert!("/key".parse::<LocalScope>().is_err());
        assert!("/keys/a/b".parse::<LocalScope>().is_err());
    }

    #[test]
    fn actions_parse_in_full_and_short_form() {
        for action in DataAction::ALL {
            assert_eq!(action.as_str().parse::<DataAction>().unwrap().as_str(), action.as_str());
        }
        assert_eq!("keys/sign".parse::<DataAction>().unwrap(), DataAction::KeySign);
        assert_eq!("keys/create".parse::<DataAction>().unwrap(), DataAction::KeyCreate);
        assert!("keys".parse::<DataAction>().is_err());
    }
}
