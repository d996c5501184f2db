//! Returns a container as a resource.

use super::{Bundle, ContainerPath, ContainerResource, Live};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::ops::{ControlCx, Done, Operation};

/// Returns a live container.
#[derive(Clone, Debug)]
pub struct Get<R: ContainerResource> {
    /// The container.
    pub path: ContainerPath<R>,
}

impl<R: ContainerResource> Operation for Get<R> {
    const NAME: &'static str = R::OPERATIONS.get.name;
    const EVENT: &'static str = R::OPERATIONS.get.event;
    const ACTION: ControlAction = R::OPERATIONS.get.action;
    const METER: Meter = R::OPERATIONS.get.meter;
    type Target = Live<R>;
    type Reply = Bundle<R>;

    fn target(&self) -> ContainerPath<R> {
        self.path.clone()
    }

    async fn execute(self, target: Live<R>, cx: &ControlCx) -> Result<Done<Bundle<R>>> {
        Ok(Done::reply(Bundle::of(&target.0, &cx.store)))
    }
}
