//! Lists managed HSMs.

use super::{HsmBundle, HsmCollection};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::ops::{ControlCx, Done, Operation, Page, PageRequest};

/// Lists the live HSMs of a subscription or of a resource group, ordered by name.
#[derive(Clone, Debug)]
pub struct ListManagedHsms {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// Only HSMs of this resource group; `None` for all.
    pub resource_group: Option<ResourceGroupName>,
    /// The requested page.
    pub page: PageRequest,
}

impl Operation for ListManagedHsms {
    const NAME: &'static str = "ListManagedHsms";
    const EVENT: &'static str = "ManagedHsmList";
    const ACTION: ControlAction = ControlAction::HsmRead;
    const METER: Meter = Meter::Free;
    type Target = HsmCollection;
    type Reply = Page<HsmBundle>;

    fn target(&self) -> (SubscriptionId, Option<ResourceGroupName>) {
        (self.subscription, self.resource_group.clone())
    }

    async fn execute(self, _: HsmCollection, cx: &ControlCx) -> Result<Done<Page<HsmBundle>>> {
        let group = self.resource_group.as_ref().map(ResourceGroupName::to_case_insensitive);
        let mut hsms = cx.store.hsms();
        hsms.retain(|hsm| {
            hsm.subscription == self.subscription
                && hsm.deletion.is_none()
                && group.as_ref().is_none_or(|group| hsm.resource_group.to_case_insensitive() == *group)
        });
        let bundles = hsms.iter().map(|hsm| HsmBundle::of(hsm, &cx.store)).collect();
        Ok(Done::reply(Page::of(bundles, &self.page, |bundle: &HsmBundle| {
            bundle.hsm.name.to_case_insensitive()
        })))
    }
}
