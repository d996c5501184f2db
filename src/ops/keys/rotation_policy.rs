//! Gets and replaces the rotation policy of a key.

use std::sync::Arc;

use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::local_rbac::DataAction;
use crate::model::rotation::{RotationPolicy, RotationRules};
use crate::ops::{Cx, Done, KeyPath, LiveKey, Operation};

/// The rotation policy of a key, as surfaces show it.
#[derive(Clone, Debug)]
pub struct KeyRotationPolicy {
    /// The key.
    pub key: KeyPath,
    /// The policy; `None` if the key has none, which surfaces show as an empty policy.
    pub policy: Option<Arc<RotationPolicy>>,
}

/// Returns the rotation policy of a key (<https://learn.microsoft.com/azure/key-vault/managed-hsm/key-rotation>).
// assumption: a key without a policy has an empty one.
#[derive(Clone, Debug)]
pub struct GetKeyRotationPolicy {
    /// The key.
    pub key: KeyPath,
}

impl Operation for GetKeyRotationPolicy {
    const NAME: &'static str = "GetKeyRotationPolicy";
    const EVENT: &'static str = "KeyRotationPolicyGet";
    const ACTION: DataAction = DataAction::KeyRotationPolicyRead;
    const METER: Meter = Meter::Management;
    type Target = LiveKey;
    type Reply = KeyRotationPolicy;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    async fn execute(self, target: LiveKey, _: &Cx) -> Result<Done<KeyRotationPolicy>> {
        let key = KeyPath { container: target.0.container.clone(), name: target.0.name.clone() };
        Ok(Done::reply(KeyRotationPolicy { key, policy: target.0.rotation.clone() }))
    }
}

/// Replaces the rotation policy of a key (<https://learn.microsoft.com/azure/key-vault/managed-hsm/key-rotation>).
#[derive(Clone, Debug)]
pub struct UpdateKeyRotationPolicy {
    /// The key.
    pub key: KeyPath,
    /// The new rules; `None` removes the policy.
    pub rules: Option<RotationRules>,
}

impl Operation for UpdateKeyRotationPolicy {
    const NAME: &'static str = "UpdateKeyRotationPolicy";
    const EVENT: &'static str = "KeyRotationPolicySet";
    const ACTION: DataAction = DataAction::KeyRotationPolicyWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = LiveKey;
    type Reply = KeyRotationPolicy;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    async fn execute(self, target: LiveKey, cx: &Cx) -> Result<Done<KeyRotationPolicy>> {
        let created = target.0.rotation.as_ref().map_or(cx.now, |before| before.created);
        let policy = self.rules.map(|rules| Arc::new(RotationPolicy { rules, created, updated: cx.now }));
        let (container, name) = (target.0.container.clone(), target.0.name.clone());
        let change = Change::PutRotationPolicy(container.clone(), name.clone(), policy.clone());
        Ok(Done::with(KeyRotationPolicy { key: KeyPath { container, name }, policy }, [change]))
    }
}
