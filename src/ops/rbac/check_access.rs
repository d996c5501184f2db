//! Checks whether a principal may perform actions at a scope, and returns the reasons.

use super::{AccessDecision, Checked, RbacPlane};
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::name::PrincipalId;
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// Checks access with the rule by which the engine authorizes calls. An extension of this service.
///
/// Every caller may ask about itself, since it can find out by trying. Without permission to read role assignments, the reason names
/// none.
pub struct CheckAccess<P: RbacPlane> {
    /// The scope.
    pub at: <P::AnyScope as Target>::Id,
    /// The principal to check.
    pub principal: PrincipalId,
    /// The groups of the principal, which are otherwise known only from its access token.
    pub groups: Vec<PrincipalId>,
    /// The actions.
    pub actions: Checked<P::Action>,
}

clone_by_fields!(CheckAccess<P: RbacPlane> { at, principal, groups, actions });

impl<P: RbacPlane> Operation for CheckAccess<P> {
    const NAME: &'static str = P::OPERATIONS.check_access.name;
    const EVENT: &'static str = P::OPERATIONS.check_access.event;
    const ACTION: ActionOf<Self> = P::OPERATIONS.check_access.action;
    const METER: Meter = P::OPERATIONS.check_access.meter;
    type Target = P::AnyScope;
    type Reply = P::Located<Checked<AccessDecision<P::Action>>>;

    fn target(&self) -> <P::AnyScope as Target>::Id {
        self.at.clone()
    }

    fn concerns_only(&self, caller: &[PrincipalId]) -> bool {
        is_about(caller, self.principal, &self.groups)
    }

    async fn execute(self, _: P::AnyScope, cx: &CxOf<Self>) -> Result<Done<Self::Reply>> {
        let Self { at, principal, groups, actions } = self;
        let scope = P::AnyScope::scope(&at, cx.store());
        let caller = cx.caller_principals();
        let principals = checked_principals(caller, principal, groups);
        let grants = principals.into_iter().map(|one| P::grants(cx, one)).collect::<Result<Vec<_>>>()?;
        let grants: Vec<_> = grants.iter().flat_map(|grants| grants.to_vec()).collect();
        let own = caller.iter().map(|one| P::grants(cx, *one)).collect::<Result<Vec<_>>>()?;
        let may_read = own
            .iter()
            .flat_map(|grants| grants.iter())
            .any(|grant| grant.allows(P::OPERATIONS.check_access.action, &scope));
        let (readable, qualifier) = P::disclosure(cx, &scope);
        let readable = |at: &P::Scope| may_read && readable(at);
        let qualifier = if may_read { qualifier } else { UNREADABLE };
        let definitions = P::definitions(cx)?;
        let decisions = actions.map(|action| {
            let request = (action, scope.clone());
            AccessDecision::new(principal, &grants, request, readable, (qualifier, definitions.as_slice()))
        });
        Ok(Done::reply(P::located(cx, &scope, decisions)?))
    }
}

/// The end of the sentence "... has no role assignment ..." for callers who may not read role assignments.
pub const UNREADABLE: &str = "that you may read";

/// Whether a question about a principal and groups is one about the caller: about its principal, and no groups but its own.
pub fn is_about(caller: &[PrincipalId], principal: PrincipalId, groups: &[PrincipalId]) -> bool {
    caller.split_first().is_some_and(|(own, own_groups)| {
        *own == principal && groups.iter().all(|group| own_groups.contains(group))
    })
}

/// Returns the principals whose role assignments are considered. For the caller without groups, these are those of its access token.
pub fn checked_principals(
    caller: &[PrincipalId],
    principal: PrincipalId,
    groups: Vec<PrincipalId>,
) -> Vec<PrincipalId> {
    match caller.first() {
        Some(own) if *own == principal && groups.is_empty() => caller.to_vec(),
        _ => std::iter::once(principal).chain(groups).collect(),
    }
}
