//! Lists containers as resources.

use std::marker::PhantomData;

use super::{Bundle, ContainerResource, ContainersOfScope};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::ops::{ControlCx, Done, Operation, Page, PageRequest};

/// Lists the live containers of a subscription or of a resource group, ordered by name.
#[derive(Clone, Debug)]
pub struct List<R> {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// Only containers of this resource group; `None` for all.
    pub resource_group: Option<ResourceGroupName>,
    /// The requested page.
    pub page: PageRequest,
    /// The kind of container.
    pub kind: PhantomData<R>,
}

impl<R: ContainerResource> Operation for List<R> {
    const NAME: &'static str = R::OPERATIONS.list.name;
    const EVENT: &'static str = R::OPERATIONS.list.event;
    const ACTION: ControlAction = R::OPERATIONS.list.action;
    const METER: Meter = R::OPERATIONS.list.meter;
    type Target = ContainersOfScope;
    type Reply = Page<Bundle<R>>;

    fn target(&self) -> (SubscriptionId, Option<ResourceGroupName>) {
        (self.subscription, self.resource_group.clone())
    }

    async fn execute(self, _: ContainersOfScope, cx: &ControlCx) -> Result<Done<Page<Bundle<R>>>> {
        let group = self.resource_group.as_ref().map(ResourceGroupName::to_case_insensitive);
        let mut found = R::all(&cx.store);
        found.retain(|resource| {
            resource.subscription() == self.subscription
                && resource.deletion().is_none()
                && group
                    .as_ref()
                    .is_none_or(|group| resource.resource_group().to_case_insensitive() == *group)
        });
        let bundles = found.iter().map(|resource| Bundle::of(resource, &cx.store)).collect();
        Ok(Done::reply(Page::of(bundles, &self.page, |bundle: &Bundle<R>| {
            R::deletable(bundle.resource.name()).to_case_insensitive()
        })))
    }
}
