//! Checks whether a name is available for a managed HSM.

use super::SubscriptionHsms;
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::name::HsmName;
use crate::model::resource::SubscriptionId;
use crate::ops::{ControlCx, Done, Operation};

/// Checks whether a name is valid and unused.
#[derive(Clone, Debug)]
pub struct CheckManagedHsmName {
    /// The subscription of the request.
    pub subscription: SubscriptionId,
    /// The name, which may be invalid.
    pub name: String,
}

/// Whether a name is available.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NameAvailability {
    /// The name is valid and unused.
    Available,
    /// The name is not valid, for this reason.
    Invalid(String),
    /// An HSM, live or deleted, has this name.
    Taken {
        /// Whether that HSM is deleted.
        deleted: bool,
    },
}

impl Operation for CheckManagedHsmName {
    const NAME: &'static str = "CheckManagedHsmName";
    const EVENT: &'static str = "ManagedHsmCheckName";
    // assumption: the action that Azure requires for this is not published.
    const ACTION: ControlAction = ControlAction::HsmRead;
    const METER: Meter = Meter::Free;
    type Target = SubscriptionHsms;
    type Reply = NameAvailability;

    fn target(&self) -> SubscriptionId {
        self.subscription
    }

    async fn execute(self, _: SubscriptionHsms, cx: &ControlCx) -> Result<Done<NameAvailability>> {
        let availability = match self.name.parse::<HsmName>() {
            Err(error) => NameAvailability::Invalid(error.to_string()),
            Ok(name) => match cx.store.hsm(&name) {
                None => NameAvailability::Available,
                Some(hsm) => NameAvailability::Taken { deleted: hsm.deletion.is_some() },
            },
        };
        Ok(Done::reply(availability))
    }
}
