//! What the planes share of role-based access control: definitions, assignments, patterns, and the rule
//! that decides. Each plane brings its own actions and scopes.

use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Denied;
use super::name::PrincipalId;
use super::{Error, Result};

/// An action that the roles of one plane grant.
pub trait Grantable: Copy + Eq + Display + Send + Sync + 'static {
    /// Where it is granted.
    type Scope: Covers;
    /// Every action of the plane; at most 64.
    const ALL: &'static [Self];

    /// The full name, as role definitions list it.
    fn as_str(self) -> &'static str;

    /// Its place in [`ALL`](Self::ALL).
    fn number(self) -> u32;

    /// The lists of a role definition that name actions of this plane: those granted, those excluded.
    fn lists(block: &Permission) -> (&[String], &[String]);

    /// What is said where it was not granted.
    fn denied(self, scope: Self::Scope) -> Denied;
}

/// A place that contains others.
pub trait Covers: Clone + std::fmt::Debug + Display + Send + Sync + 'static {
    /// Whether what is granted at `self` holds at `other`: scopes are inherited downwards.
    fn covers(&self, other: &Self) -> bool;

    /// Whether both are the same place. `==` compares spellings, and names differ in more than case.
    fn is_same_as(&self, other: &Self) -> bool {
        self.covers(other) && other.covers(self)
    }
}

/// Declares the actions of a plane with their exact spelling, less the prefix that all of them have.
macro_rules! actions {
    ($(#[$doc:meta])* $name:ident under $prefix:literal { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $(#[doc = concat!("`", $prefix, $text, "`.")] $variant,)+ }

        // One bit for each.
        const _: () = assert!($name::ALL.len() <= u64::BITS as usize);

        impl $name {
            /// Every action there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The full name, as role definitions list it.
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

/// A set of actions of one plane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Actions<A>(u64, PhantomData<A>);

impl<A: Grantable> Actions<A> {
    /// How many actions are in the set.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the action is in the set.
    pub fn contains(self, action: A) -> bool {
        self.0 & 1 << action.number() != 0
    }
}

impl<A: Grantable> FromIterator<A> for Actions<A> {
    fn from_iter<T: IntoIterator<Item = A>>(actions: T) -> Self {
        Self(actions.into_iter().fold(0, |set, action| set | 1 << action.number()), PhantomData)
    }
}

/// One block of a role definition: two lists for the control plane, two for the data plane.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Permission {
    /// Control-plane actions granted. In a local role they are stored and shown, never evaluated.
    pub actions: Vec<String>,
    /// Exclusions from `actions`.
    pub not_actions: Vec<String>,
    /// Data actions granted; `*` matches any run of characters.
    pub data_actions: Vec<String>,
    /// Exclusions from `data_actions`.
    pub not_data_actions: Vec<String>,
}

/// A role definition: of one HSM, built in or custom, or of the control plane.
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
    pub fn grants<A: Grantable>(&self, action: A) -> bool {
        let listed = |excluded: bool| {
            self.permissions.iter().any(|block| {
                let (granted, not_granted) = A::lists(block);
                let list = if excluded { not_granted } else { granted };
                list.iter().any(|pattern| matches(pattern, action.as_str()))
            })
        };
        listed(false) && !listed(true)
    }

    /// All actions of one plane that this role grants.
    pub fn granted<A: Grantable>(&self) -> Actions<A> {
        A::ALL.iter().copied().filter(|action| self.grants(*action)).collect()
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
pub struct Assignment<S> {
    /// The GUID that names it.
    pub id: Uuid,
    /// The role.
    pub role_definition: Uuid,
    /// User, service principal or group.
    pub principal: PrincipalId,
    /// Where it holds.
    pub scope: S,
}

impl<S: Covers> Assignment<S> {
    /// Whether this can be added to what is known: its id and what it means must both be new.
    ///
    /// # Errors
    /// `RoleAssignmentExists` where the id is taken, `RoleAssignmentMatches` where another gives the same role to the
    /// same principal at the same scope.
    pub fn check_new<'a>(&self, known: impl Iterator<Item = &'a Arc<Self>> + Clone) -> Result<()>
    where
        S: 'a,
    {
        if known.clone().any(|other| other.id == self.id) {
            return Err(Error::RoleAssignmentExists);
        }
        let mut known = known;
        let same = known.find(|other| {
            other.principal == self.principal
                && other.role_definition == self.role_definition
                && other.scope.is_same_as(&self.scope)
        });
        same.map_or(Ok(()), |same| {
            Err(Error::RoleAssignmentMatches {
                existing: same.id,
                role_definition: same.role_definition,
                principal: same.principal,
                scope: same.scope.to_string(),
            })
        })
    }
}

/// A role assignment joined with its role, as it is kept for decisions.
#[derive(Clone, Debug)]
pub struct GrantOf<A: Grantable> {
    /// The assignment.
    pub assignment: Arc<Assignment<A::Scope>>,
    /// Its role.
    pub definition: Arc<RoleDefinition>,
    /// What the role grants: calls are decided on, and patterns are read when roles change.
    granted: Actions<A>,
}

impl<A: Grantable> GrantOf<A> {
    /// Joins an assignment with its role.
    pub fn new(assignment: Arc<Assignment<A::Scope>>, definition: Arc<RoleDefinition>) -> Self {
        let granted = definition.granted();
        Self { assignment, definition, granted }
    }

    /// Whether this grant allows the action there.
    pub fn allows(&self, action: A, scope: &A::Scope) -> bool {
        self.assignment.scope.covers(scope) && self.granted.contains(action)
    }
}
