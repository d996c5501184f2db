//! Returns a key version, by default the current one.

use super::KeyBundle;
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::container_id::KeyId;
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::ops::{Cx, Done, LiveKeyVersion, Operation};

/// Returns a key version (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>).
#[derive(Clone, Debug)]
pub struct GetKey {
    /// The key version; the current one if the identifier names none.
    pub key: KeyId,
}

impl Operation for GetKey {
    const NAME: &'static str = "GetKey";
    const EVENT: &'static str = "KeyGet";
    const ACTION: DataAction = DataAction::KeyRead;
    const METER: Meter = Meter::Management;
    type Target = LiveKeyVersion;
    type Reply = KeyBundle;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn call_class(&self, LiveKeyVersion(version): &LiveKeyVersion, _: &Cx) -> CallClass {
        CallClass::using(version.material.key_type(), version.protection)
    }

    async fn execute(self, target: LiveKeyVersion, cx: &Cx) -> Result<Done<KeyBundle>> {
        let version = target.0;
        let managed = cx.store.key(&version.container, &version.name).is_some_and(|key| key.managed);
        Ok(Done::reply(KeyBundle { version, level: cx.recovery_level(), managed }))
    }
}
