//! Role-based access control shared by both planes: role definitions, role assignments, action patterns and
//! evaluation. Local RBAC and ARM RBAC supply their actions and scopes.

use std::collections::HashSet;
use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::name::PrincipalId;

/// An action that role definitions of one plane grant.
pub trait GrantableAction: Copy + Eq + Display + Send + Sync + 'static {
    /// The scope at which it is granted.
    type Scope: HierarchicalScope;
    /// Every action of the plane, at most 64.
    const ALL: &'static [Self];

    /// Returns the full name, as role definitions list it.
    fn as_str(self) -> &'static str;

    /// Returns its index in [`ALL`](Self::ALL).
    fn bit_index(self) -> u32;

    /// Returns the lists of a permission block with actions of this plane: granted and excluded ones.
    fn action_lists(block: &Permission) -> (&[String], &[String]);
}

/// A scope in a hierarchy: role assignments at a scope apply to the scopes below it.
pub trait HierarchicalScope: Clone + std::fmt::Debug + Display + Send + Sync + 'static {
    /// Whether an assignment at `self` applies at `other`: at the same scope or below it.
    fn covers(&self, other: &Self) -> bool;

    /// Whether both are the same scope. `==` compares spellings; names in scopes are case-insensitive.
    fn is_same_as(&self, other: &Self) -> bool {
        self.covers(other) && other.covers(self)
    }
}

/// Declares the actions of a plane with their exact spelling, without their common prefix.
macro_rules! actions {
    ($(#[$doc:meta])* $name:ident under $prefix:literal { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $(#[doc = concat!("`", $prefix, $text, "`.")] $variant,)+ }

        // Action sets hold one bit per action.
        const _: () = assert!($name::ALL.len() <= u64::BITS as usize);

        impl $name {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the full name, as role definitions list it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => concat!($prefix, $text),)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use actions;

/// A set of actions of one plane, as a bit mask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ActionSet<A>(u64, PhantomData<A>);

impl<A: GrantableAction> ActionSet<A> {
    /// Whether the action is in the set.
    pub fn contains(self, action: A) -> bool {
        self.0 & 1 << action.bit_index() != 0
    }
}

impl<A: GrantableAction> FromIterator<A> for ActionSet<A> {
    fn from_iter<T: IntoIterator<Item = A>>(actions: T) -> Self {
        Self(actions.into_iter().fold(0, |set, action| set | 1 << action.bit_index()), PhantomData)
    }
}

/// One permission block of a role definition: two lists for the control plane, two for the data plane.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Permission {
    /// Granted control-plane actions. Local role definitions store and report them but never evaluate them.
    pub actions: Vec<String>,
    /// Exclusions from `actions`.
    pub not_actions: Vec<String>,
    /// Granted data actions; `*` matches any sequence of characters.
    pub data_actions: Vec<String>,
    /// Exclusions from `data_actions`.
    pub not_data_actions: Vec<String>,
}

/// A role definition: a built-in or custom role of an HSM's local RBAC, or a role of ARM RBAC.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleDefinition {
    /// The GUID that names it.
    pub id: Uuid,
    /// The display name; need not be unique.
    pub role_name: String,
    /// Free text.
    pub description: String,
    /// Whether it is a built-in role.
    pub built_in: bool,
    /// The permission blocks.
    pub permissions: Vec<Permission>,
    /// The scopes at which a custom role of the control plane can be assigned (`custom_role.rs`). Other roles have none: they can be
    /// assigned at every scope of their plane.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assignable_scopes: Vec<String>,
}

impl RoleDefinition {
    /// Whether this role grants the action. An exclusion in any block overrides grants in all blocks.
    pub fn grants<A: GrantableAction>(&self, action: A) -> bool {
        let listed = |excluded: bool| {
            self.permissions.iter().any(|block| {
                let (granted, not_granted) = A::action_lists(block);
                let list = if excluded { not_granted } else { granted };
                list.iter().any(|pattern| matches(pattern, action.as_str()))
            })
        };
        listed(false) && !listed(true)
    }

    /// Returns the number of actions of one plane that this role grants, counting those with the same name once.
    pub fn count_granted<A: GrantableAction>(&self) -> usize {
        let granted = A::ALL.iter().filter(|action| self.grants(**action));
        granted.map(|action| action.as_str()).collect::<HashSet<_>>().len()
    }

    /// Returns the actions of one plane that this role grants.
    pub fn granted<A: GrantableAction>(&self) -> ActionSet<A> {
        A::ALL.iter().copied().filter(|action| self.grants(*action)).collect()
    }
}

/// Returns the names of the built-in roles that grant `action`, the roles with the fewest actions first.
pub fn roles_granting<A: GrantableAction>(
    action: A,
    mut definitions: Vec<Arc<RoleDefinition>>,
) -> Vec<String> {
    definitions.retain(|role| role.built_in && role.grants(action));
    definitions.sort_by_key(|role| role.count_granted::<A>());
    definitions.iter().map(|role| role.role_name.clone()).collect()
}

/// Matches an action against a pattern of a role definition, case-insensitively; `*` matches any sequence.
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

/// A role assignment: assigns a role to a principal at a scope.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assignment<S> {
    /// The GUID that names it.
    pub id: Uuid,
    /// The role definition.
    pub role_definition: Uuid,
    /// The user, service principal or group.
    pub principal: PrincipalId,
    /// The scope at which it applies.
    pub scope: S,
}

/// A role assignment joined with its role definition, prepared for authorization decisions.
#[derive(Clone, Debug)]
pub struct RoleGrant<A: GrantableAction> {
    /// The assignment.
    pub assignment: Arc<Assignment<A::Scope>>,
    /// Its role definition.
    pub definition: Arc<RoleDefinition>,
    /// The actions that the role grants, expanded once so that no patterns are matched per request.
    granted: ActionSet<A>,
}

impl<A: GrantableAction> RoleGrant<A> {
    /// Joins an assignment with its role definition.
    pub fn new(assignment: Arc<Assignment<A::Scope>>, definition: Arc<RoleDefinition>) -> Self {
        let granted = definition.granted();
        Self { assignment, definition, granted }
    }

    /// Whether this grant allows the action at a scope.
    pub fn allows(&self, action: A, scope: &A::Scope) -> bool {
        self.assignment.scope.covers(scope) && self.granted.contains(action)
    }
}
