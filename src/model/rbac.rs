//! Local role-based access control: actions, scopes, role definitions, role assignments, and the
//! rule that decides.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::name::{KeyName, PrincipalId};
use super::{Error, Result};

/// The name of the role that initial administrators get, and that nobody gets otherwise by itself.
pub const ADMINISTRATOR_ROLE: &str = "Managed HSM Administrator";

/// The prefix of every data action.
pub const DATA_ACTION_PREFIX: &str = "Microsoft.KeyVault/managedHsm";

/// Declares the data actions with their exact spelling; some have no `/action` (recorded).
macro_rules! data_actions {
    ($($variant:ident = $text:literal,)+) => {
        /// A data action of Managed HSM local RBAC: what a role must grant for an operation.
        ///
        /// Source: the role definitions recorded from the service (June 2026).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Action { $(#[doc = concat!("`", $text, "`.")] $variant,)+ }

        impl Action {
            /// Every data action there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// This action: what a local role must grant.
            pub const fn data_action(self) -> Option<Self> {
                Some(self)
            }

            /// The full name, as role definitions list it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => concat!("Microsoft.KeyVault/managedHsm", $text),)+ }
            }
        }
    };
}

data_actions! {
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
    DeletedKeyRecover = "/keys/deletedKeys/recover/action",
    KeyEncrypt = "/keys/encrypt/action",
    KeyExport = "/keys/export/action",
    KeyImport = "/keys/import/action",
    KeyRead = "/keys/read/action",
    KeyRelease = "/keys/release/action",
    KeyRestore = "/keys/restore/action",
    KeyRotate = "/keys/rotate/action",
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

/// A set of data actions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Actions(u64);

// One bit for each.
const _: () = assert!(Action::ALL.len() <= u64::BITS as usize);

impl Actions {
    /// Whether the action is in the set.
    pub const fn contains(self, action: Action) -> bool {
        self.0 & 1 << action as u32 != 0
    }
}

impl FromIterator<Action> for Actions {
    fn from_iter<T: IntoIterator<Item = Action>>(actions: T) -> Self {
        Self(actions.into_iter().fold(0, |set, action| set | 1 << action as u32))
    }
}

impl FromStr for Action {
    type Err = Error;

    /// Reads a data action: in full, without the prefix, or without the prefix and `/action`.
    fn from_str(text: &str) -> Result<Self> {
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
                Error::invalid(
                    "action",
                    format!("{:?} is not a data action of Managed HSM", super::error::shorten(text)),
                )
            })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where something is done or granted: the whole HSM, all its keys, or one key with all versions.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// `/`
    Hsm,
    /// `/keys`
    Keys,
    /// `/keys/{name}`
    Key(KeyName),
}

impl Scope {
    /// Whether what is granted at `self` holds at `other`: scopes are inherited downwards.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hsm, _) | (Self::Keys, Self::Keys | Self::Key(_)) => true,
            (Self::Key(here), Self::Key(there)) => here.as_str().eq_ignore_ascii_case(there.as_str()),
            _ => false,
        }
    }

    /// Whether both are the same place. `==` compares spellings, and key names differ in more than case.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.covers(other) && other.covers(self)
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "" | "/" => Ok(Self::Hsm),
            "/keys" | "/keys/" => Ok(Self::Keys),
            _ => match text.strip_prefix("/keys/").map(str::parse) {
                Some(Ok(name)) => Ok(Self::Key(name)),
                _ => Err(Error::invalid("scope", "a scope is /, /keys or /keys/{name}")),
            },
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hsm => f.write_str("/"),
            Self::Keys => f.write_str("/keys"),
            Self::Key(name) => write!(f, "/keys/{name}"),
        }
    }
}

/// One block of a role definition. `actions` and `not_actions` belong to the control plane and are
/// stored and shown, never evaluated here.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Permission {
    /// Control-plane actions; not evaluated by the data plane.
    pub actions: Vec<String>,
    /// Exclusions from `actions`.
    pub not_actions: Vec<String>,
    /// Data actions granted; `*` matches any run of characters.
    pub data_actions: Vec<String>,
    /// Exclusions from `data_actions`.
    pub not_data_actions: Vec<String>,
}

/// A role definition of one HSM, built in or custom.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleDefinition {
    /// The GUID that names it.
    pub id: Uuid,
    /// The name people read; need not be unique.
    pub role_name: String,
    /// Free text.
    pub description: String,
    /// Whether it came with the service.
    pub built_in: bool,
    /// What it grants.
    pub permissions: Vec<Permission>,
}

impl RoleDefinition {
    /// Whether this role, by itself, grants the action. What one block excludes, the role does not
    /// grant, whatever another block says.
    pub fn grants(&self, action: Action) -> bool {
        let listed = |lists: fn(&Permission) -> &[String]| {
            self.permissions
                .iter()
                .any(|block| lists(block).iter().any(|pattern| matches(pattern, action.as_str())))
        };
        listed(|block| &block.data_actions) && !listed(|block| &block.not_data_actions)
    }

    /// All actions that this role grants.
    pub fn granted(&self) -> Actions {
        Action::ALL.iter().copied().filter(|action| self.grants(*action)).collect()
    }
}

/// Matches an action against a pattern of a role definition: case-insensitive, `*` for any run.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| action.strip_prefix(first)) else { return false };
    if !pattern.contains('*') {
        return rest.is_empty();
    }
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// A role given to a principal at a scope.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// The GUID that names it.
    pub id: Uuid,
    /// The role.
    pub role_definition: Uuid,
    /// User, service principal or group.
    pub principal: PrincipalId,
    /// Where it holds.
    pub scope: Scope,
}

/// A role assignment joined with its role, as it is kept for decisions.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The assignment.
    pub assignment: Arc<RoleAssignment>,
    /// Its role.
    pub definition: Arc<RoleDefinition>,
    /// What the role grants: calls are decided on, and patterns are read when roles change.
    granted: Actions,
}

impl Grant {
    /// Joins an assignment with its role.
    pub fn new(assignment: Arc<RoleAssignment>, definition: Arc<RoleDefinition>) -> Self {
        let granted = definition.granted();
        Self { assignment, definition, granted }
    }

    /// Whether this grant allows the action there.
    pub fn allows(&self, action: Action, scope: &Scope) -> bool {
        self.assignment.scope.covers(scope) && self.granted.contains(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(data_actions: &[&str], not_data_actions: &[&str]) -> RoleDefinition {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        RoleDefinition {
            id: Uuid::nil(),
            role_name: "r".into(),
            description: String::new(),
            built_in: false,
            permissions: vec![Permission {
                data_actions: own(data_actions),
                not_data_actions: own(not_data_actions),
                ..Permission::default()
            }],
        }
    }

    #[test]
    fn exclusions_win_and_stars_match_runs() {
        let keys =
            role(&["Microsoft.KeyVault/managedHsm/keys/*"], &["Microsoft.KeyVault/managedHsm/keys/*/action"]);
        assert!(keys.grants(Action::KeyCreate));
        let granted = keys.granted();
        for action in Action::ALL {
            assert_eq!(granted.contains(*action), keys.grants(*action), "{action}");
        }
        assert!(!keys.grants(Action::KeySign));
        assert!(!keys.grants(Action::RandomBytes));
        assert!(role(&["*"], &[]).grants(Action::RandomBytes));
        assert!(!role(&["Microsoft.KeyVault/managedHsm/keys/sign"], &[]).grants(Action::KeySign));
        assert!(!role(&[], &[]).grants(Action::KeySign));
    }

    #[test]
    fn scopes_are_inherited_downwards_only() {
        let scope = |text: &str| text.parse::<Scope>().unwrap();
        assert!(scope("/").covers(&scope("/keys/a")));
        assert!(scope("/keys").covers(&scope("/keys/a")));
        assert!(scope("/keys/a").covers(&scope("/keys/A")));
        assert!(!scope("/keys/a").covers(&scope("/keys")));
        assert!(!scope("/keys").covers(&scope("/")));
        assert!(scope("/keys/a").is_same_as(&scope("/keys/A")));
        assert!(!scope("/keys/a").is_same_as(&scope("/keys")));
        assert!("/key".parse::<Scope>().is_err());
        assert!("/keys/a/b".parse::<Scope>().is_err());
    }

    #[test]
    fn actions_are_read_in_full_and_in_short() {
        for action in Action::ALL {
            assert_eq!(action.as_str().parse::<Action>().unwrap(), *action);
        }
        assert_eq!("keys/sign".parse::<Action>().unwrap(), Action::KeySign);
        assert_eq!("keys/create".parse::<Action>().unwrap(), Action::KeyCreate);
        assert!("keys".parse::<Action>().is_err());
    }
}
