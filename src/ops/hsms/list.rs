//! Lists managed HSMs.

use super::{HsmBundle, HsmsOf};
use crate::model::Result;
use crate::model::control_plane::ControlAction;
use crate::model::entry::Meter;
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
    type Target = HsmsOf;
    type Reply = Page<HsmBundle>;

    fn target(&self) -> (SubscriptionId, Option<ResourceGroupName>) {
        (self.subscription, self.resource_group.clone())
    }

    async fn execute(self, _: HsmsOf, cx: &ControlCx) -> Result<Done<Page<HsmBundle>>> {
        let group = self.resource_group.as_ref().map(ResourceGroupName::folded);
        let mut hsms = cx.store.hsms();
        hsms.retain(|hsm| {
            hsm.subscription == self.subscription
                && hsm.deletion.is_none()
                && group.as_ref().is_none_or(|group| hsm.resource_group.folded() == *group)
        });
        let bundles = hsms.iter().map(|hsm| HsmBundle::of(hsm, &cx.store)).collect();
        Ok(Done::reply(Page::of(bundles, &self.page, |bundle: &HsmBundle| bundle.hsm.name.folded())))
    }
}
