//! Checks whether a name is available for a container.

use std::marker::PhantomData;

use super::{ContainerNames, ContainerResource};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::resource::SubscriptionId;
use crate::ops::{ControlCx, Done, Operation};

/// Checks whether a name is valid and unused.
#[derive(Clone, Debug)]
pub struct CheckName<R> {
    /// The subscription of the request.
    pub subscription: SubscriptionId,
    /// The name, which may be invalid.
    pub name: String,
    /// The kind of container.
    pub kind: PhantomData<R>,
}

/// Whether a name is available.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NameAvailability {
    /// The name is valid and unused.
    Available,
    /// The name is not valid, for this reason.
    Invalid(String),
    /// A container of this kind, live or deleted, has this name.
    Taken {
        /// Whether that container is deleted.
        deleted: bool,
    },
}

impl<R: ContainerResource> Operation for CheckName<R> {
    const NAME: &'static str = R::OPERATIONS.check_name.name;
    const EVENT: &'static str = R::OPERATIONS.check_name.event;
    const ACTION: ControlAction = R::OPERATIONS.check_name.action;
    const METER: Meter = R::OPERATIONS.check_name.meter;
    type Target = ContainerNames<R>;
    type Reply = NameAvailability;

    fn target(&self) -> SubscriptionId {
        self.subscription
    }

    async fn execute(self, _: ContainerNames<R>, cx: &ControlCx) -> Result<Done<NameAvailability>> {
        let availability = match self.name.parse::<R::Name>() {
            Err(error) => NameAvailability::Invalid(error.to_string()),
            Ok(name) => match R::find(&name, &cx.store) {
                None => NameAvailability::Available,
                Some(resource) => NameAvailability::Taken { deleted: resource.deletion().is_some() },
            },
        };
        Ok(Done::reply(availability))
    }
}
