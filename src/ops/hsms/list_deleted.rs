//! Lists deleted managed HSMs.

use super::{HsmBundle, SubscriptionHsms};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::resource::SubscriptionId;
use crate::ops::{ControlCx, Done, Operation, Page, PageRequest};

/// Lists the deleted HSMs of a subscription, ordered by name
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct ListDeletedManagedHsms {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The requested page.
    pub page: PageRequest,
}

impl Operation for ListDeletedManagedHsms {
    const NAME: &'static str = "ListDeletedManagedHsms";
    const EVENT: &'static str = "ManagedHsmListDeleted";
    const ACTION: ControlAction = ControlAction::DeletedHsmList;
    const METER: Meter = Meter::Free;
    type Target = SubscriptionHsms;
    type Reply = Page<HsmBundle>;

    fn target(&self) -> SubscriptionId {
        self.subscription
    }

    async fn execute(self, _: SubscriptionHsms, cx: &ControlCx) -> Result<Done<Page<HsmBundle>>> {
        let mut hsms = cx.store.hsms();
        hsms.retain(|hsm| hsm.subscription == self.subscription && hsm.deletion.is_some());
        let bundles = hsms.iter().map(|hsm| HsmBundle::of(hsm, &cx.store)).collect();
        Ok(Done::reply(Page::of(bundles, &self.page, |bundle: &HsmBundle| {
            bundle.hsm.name.to_case_insensitive()
        })))
    }
}
