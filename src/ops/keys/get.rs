//! Returns one version of a key, or the current one.

use super::KeyBundle;
use crate::model::Result;
use crate::model::entry::Meter;
use crate::model::name::KeyId;
use crate::model::rbac::Action;
use crate::ops::{Cx, Done, Operation, Version};

/// Reads a key version.
#[derive(Clone, Debug)]
pub struct GetKey {
    /// Which.
    pub key: KeyId,
}

impl Operation for GetKey {
    const NAME: &'static str = "GetKey";
    const EVENT: &'static str = "KeyGet";
    const ACTION: Action = Action::KeyRead;
    const METER: Meter = Meter::Management;
    type Target = Version;
    type Reply = KeyBundle;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    async fn execute(self, target: Version, cx: &Cx) -> Result<Done<KeyBundle>> {
        Ok(Done::reply(KeyBundle { version: target.0, level: cx.recovery_level() }))
    }
}
