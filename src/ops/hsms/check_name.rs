//! Tells whether a managed HSM could be made under a name.

use super::AnyHsms;
use crate::model::Result;
use crate::model::control_plane::ControlAction;
use crate::model::entry::Meter;
use crate::model::name::HsmName;
use crate::model::resource::SubscriptionId;
use crate::ops::{ControlCx, Done, Operation};

/// Asks whether a name is one, and free.
#[derive(Clone, Debug)]
pub struct CheckManagedHsmName {
    /// Who asks.
    pub subscription: SubscriptionId,
    /// The name, which may be none.
    pub name: String,
}

/// Whether a name can be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NameAvailability {
    /// It can.
    Available,
    /// No HSM can have it, because of this.
    Invalid(String),
    /// Another HSM has it; it may be deleted.
    Taken {
        /// Whether it is.
        deleted: bool,
    },
}

impl Operation for CheckManagedHsmName {
    const NAME: &'static str = "CheckManagedHsmName";
    const EVENT: &'static str = "ManagedHsmCheckName";
    // assumption: the real service's action for this is not published.
    const ACTION: ControlAction = ControlAction::HsmRead;
    const METER: Meter = Meter::Free;
    type Target = AnyHsms;
    type Reply = NameAvailability;

    fn target(&self) -> SubscriptionId {
        self.subscription
    }

    async fn execute(self, _: AnyHsms, cx: &ControlCx) -> Result<Done<NameAvailability>> {
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
