//! Role-based access control, once for all planes: generic operations, and the trait by which a plane has them.

mod assignments;
mod check_access;
mod checked;
mod create_assignment;
mod decision;
mod definitions;
mod delete_definition;
mod put_definition;

use std::sync::Arc;

use uuid::Uuid;

pub use assignments::{DeleteAssignment, GetAssignment, ListAssignments};
pub use check_access::{CheckAccess, UNREADABLE, checked_principals, is_about};
pub use checked::Checked;
pub use create_assignment::CreateAssignment;
pub use decision::AccessDecision;
pub use definitions::{GetDefinition, ListDefinitions};
pub use delete_definition::DeleteDefinition;
pub use put_definition::PutDefinition;

use super::{CommonCx, OperationNames, Plane, Target};
use crate::model::Result;
use crate::model::arm_rbac::ControlScope;
use crate::model::change::Change;
use crate::model::name::PrincipalId;
use crate::model::role::{
    Assignment, GrantableAction, HierarchicalScope, Permission, RoleDefinition, RoleGrant,
};

/// A plane whose operations are authorized by role assignments at its scopes. The operations of this module then exist
/// for it. The members are what planes differ in; the rule of evaluation is not, see [`RoleGrant::allows`].
///
/// The data plane of vaults is none of these planes: its role definitions and assignments are those of the control plane, where
/// they are changed, and an access check has to consider access policies, too.
pub trait RbacPlane:
    Plane<Action: GrantableAction<Scope = <Self as Plane>::Scope>, Scope: HierarchicalScope, Cx: CommonCx>
{
    /// A scope whose resource need not exist, as the target of lists and access checks.
    type AnyScope: Target<Plane = Self>;
    /// A scope at which a role can be assigned, which may have to exist.
    type AssignableScope: Target<Plane = Self>;
    /// A role assignment.
    type Assignment: Target<Plane = Self> + Into<Arc<Assignment<Self::Scope>>>;
    /// The place whose role definitions are listed.
    type Definitions: Target<Plane = Self>;
    /// A role definition.
    type Definition: Target<Plane = Self> + Into<Arc<RoleDefinition>> + AsRef<Arc<RoleDefinition>>;
    /// The place where custom role definitions are written.
    type DefinitionPlace: Target<Plane = Self>;
    /// Selects the role assignments of a list by their scopes.
    type Selection: Clone + Send + 'static;
    /// A reply with the place that resource names begin with.
    type Located<T: Send + 'static>: Send + 'static;

    /// The names, actions and meters of its operations.
    const OPERATIONS: RbacOperations<Self::Action>;

    /// Returns the role definitions: built-in ones, then custom ones.
    fn definitions(cx: &Self::Cx) -> Result<Vec<Arc<RoleDefinition>>>;

    /// Whether a list of role definitions at a scope includes one.
    fn is_listed(_definition: &RoleDefinition, _scope: &Self::Scope) -> bool {
        true
    }

    /// Checks the permissions and the assignable scopes of a new role definition.
    ///
    /// # Errors
    /// `Invalid` naming the field.
    fn check_definition(permissions: &[Permission], assignable_scopes: &[ControlScope]) -> Result<()>;

    /// Checks that the caller may perform an action on a role definition at all its assignable scopes, on planes where they have some.
    ///
    /// # Errors
    /// `Forbidden`, naming the scope.
    fn authorize_definition(
        _cx: &Self::Cx,
        _action: Self::Action,
        _definition: &RoleDefinition,
    ) -> Result<()> {
        Ok(())
    }

    /// Checks that the caller may assign a role, or delete an assignment of it, at a scope, on planes where some roles may delegate
    /// only some.
    ///
    /// # Errors
    /// `Forbidden`.
    fn authorize_delegation(
        _cx: &Self::Cx,
        _action: Self::Action,
        _scope: &Self::Scope,
        _role_definition: Uuid,
    ) -> Result<()> {
        Ok(())
    }

    /// Returns the change that creates or replaces a custom role definition. When the store applies it, it rejects identifiers of
    /// built-in roles and enforces the limit.
    fn put(cx: &Self::Cx, definition: Arc<RoleDefinition>) -> Result<Change>;

    /// Returns the change that deletes a custom role definition.
    fn remove(cx: &Self::Cx, definition: Uuid) -> Result<Change>;

    /// Returns the role assignments in order of creation.
    fn assignments(cx: &Self::Cx) -> Result<Vec<Arc<Assignment<Self::Scope>>>>;

    /// Returns the role assignments of a principal, joined with their definitions.
    fn grants(cx: &Self::Cx, principal: PrincipalId) -> Result<Arc<[RoleGrant<Self::Action>]>>;

    /// Returns the scope at which listing a selection is authorized.
    fn selection_scope(selection: &Self::Selection) -> <Self::AnyScope as Target>::Id;

    /// Whether a list includes the assignments at a scope.
    fn selects(selection: &Self::Selection, scope: &Self::Scope) -> bool;

    /// Returns what the caller of an access check may learn: whether the reason may name an assignment at a scope, and
    /// which assignments these are, as the end of the sentence "... has no role assignment ...".
    fn disclosure(cx: &Self::Cx, checked: &Self::Scope) -> (impl Fn(&Self::Scope) -> bool, &'static str);

    /// Returns a reply with its place. `scope` is that of the request, or of the assignment in the reply.
    fn located<T: Send + 'static>(cx: &Self::Cx, scope: &Self::Scope, item: T) -> Result<Self::Located<T>>;

    /// Returns the change that creates an assignment. When the store applies it, it rejects duplicates by identifier and by
    /// content, enforces the limit, and checks the scope if its resource must exist.
    fn insert(cx: &Self::Cx, assignment: Arc<Assignment<Self::Scope>>) -> Result<Change>;

    /// Returns the change that deletes an assignment.
    fn delete(cx: &Self::Cx, assignment: Uuid) -> Result<Change>;
}

/// What the operations of a plane differ in.
#[derive(Clone, Copy, Debug)]
pub struct RbacOperations<A> {
    /// Of [`ListDefinitions`].
    pub list_definitions: OperationNames<A>,
    /// Of [`GetDefinition`].
    pub get_definition: OperationNames<A>,
    /// Of [`PutDefinition`].
    pub put_definition: OperationNames<A>,
    /// Of [`DeleteDefinition`].
    pub delete_definition: OperationNames<A>,
    /// Of [`CreateAssignment`].
    pub create_assignment: OperationNames<A>,
    /// Of [`GetAssignment`].
    pub get_assignment: OperationNames<A>,
    /// Of [`ListAssignments`].
    pub list_assignments: OperationNames<A>,
    /// Of [`DeleteAssignment`].
    pub delete_assignment: OperationNames<A>,
    /// Of [`CheckAccess`].
    pub check_access: OperationNames<A>,
}
