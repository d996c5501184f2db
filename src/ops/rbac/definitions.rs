//! Lists and returns role definitions.

use std::sync::Arc;

use super::RbacPlane;
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::role::RoleDefinition;
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// Lists the built-in role definitions, then the custom ones.
pub struct ListDefinitions<P: RbacPlane> {
    /// The place whose role definitions are listed.
    pub at: <P::Definitions as Target>::Id,
}

clone_by_fields!(ListDefinitions<P: RbacPlane> { at });

impl<P: RbacPlane> Operation for ListDefinitions<P> {
    const NAME: &'static str = P::OPERATIONS.list_definitions.name;
    const EVENT: &'static str = P::OPERATIONS.list_definitions.event;
    const ACTION: ActionOf<Self> = P::OPERATIONS.list_definitions.action;
    const METER: Meter = P::OPERATIONS.list_definitions.meter;
    type Target = P::Definitions;
    type Reply = P::Located<Vec<Arc<RoleDefinition>>>;

    fn target(&self) -> <P::Definitions as Target>::Id {
        self.at.clone()
    }

    async fn execute(self, _: P::Definitions, cx: &CxOf<Self>) -> Result<Done<Self::Reply>> {
        let scope = P::Definitions::scope(&self.at, cx.store());
        let mut definitions = P::definitions(cx)?;
        definitions.retain(|definition| P::is_listed(definition, &scope));
        Ok(Done::reply(P::located(cx, &scope, definitions)?))
    }
}

/// Returns a role definition.
pub struct GetDefinition<P: RbacPlane> {
    /// The role definition.
    pub path: <P::Definition as Target>::Id,
}

clone_by_fields!(GetDefinition<P: RbacPlane> { path });

impl<P: RbacPlane> Operation for GetDefinition<P> {
    const NAME: &'static str = P::OPERATIONS.get_definition.name;
    const EVENT: &'static str = P::OPERATIONS.get_definition.event;
    const ACTION: ActionOf<Self> = P::OPERATIONS.get_definition.action;
    const METER: Meter = P::OPERATIONS.get_definition.meter;
    type Target = P::Definition;
    type Reply = P::Located<Arc<RoleDefinition>>;

    fn target(&self) -> <P::Definition as Target>::Id {
        self.path.clone()
    }

    async fn execute(self, target: P::Definition, cx: &CxOf<Self>) -> Result<Done<Self::Reply>> {
        let scope = P::Definition::scope(&self.path, cx.store());
        Ok(Done::reply(P::located(cx, &scope, target.into())?))
    }
}
