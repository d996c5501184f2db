//! Rotates a key: generates a new version with the properties of the current one, on demand or by policy.

use std::sync::Arc;

use super::create::generate;
use super::settings::check_limits;
use super::{KeyBundle, NewKeySettings};
use crate::model::aes_modes::AesModes;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, VersionOrigin};
use crate::model::due::Notice;
use crate::model::key::{Key, KeySpec, KeyVersion, PublicMaterial};
use crate::model::key_date::KeyDate;
use crate::model::local_rbac::DataAction;
use crate::model::rotation::RotationPolicy;
use crate::model::time::ScheduledWork;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, KeyPath, LiveKey, NewVersionName, Operation};

/// Rotates a key on demand. The key must have a rotation policy: "Rotation on demand" in
/// <https://learn.microsoft.com/azure/key-vault/managed-hsm/key-rotation>.
#[derive(Clone, Debug)]
pub struct RotateKey {
    /// The key.
    pub key: KeyPath,
}

impl Operation for RotateKey {
    const NAME: &'static str = "RotateKey";
    const EVENT: &'static str = "KeyRotate";
    const ACTION: DataAction = DataAction::KeyRotate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = LiveKey;
    type Reply = KeyBundle;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    fn check(&self, target: &LiveKey, _: Timestamp) -> Result<()> {
        policy(&target.0).map(drop)
    }

    async fn execute(self, target: LiveKey, cx: &Cx) -> Result<Done<KeyBundle>> {
        rotate(target.0, cx).await
    }
}

/// Rotates a key when its rotation policy is due, for the scheduler
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/key-rotation>).
#[derive(Clone, Debug)]
pub struct RotateDueKey {
    /// The key.
    pub key: KeyPath,
}

impl RotateDueKey {
    /// Whether a retry cannot succeed. Then a notice is recorded, and the key is no longer due.
    pub const fn is_permanent_failure(error: &Error) -> bool {
        matches!(error, Error::Invalid { .. } | Error::LimitExceeded { .. } | Error::Unsupported { .. })
    }
}

impl Operation for RotateDueKey {
    const NAME: &'static str = "RotateDueKey";
    const EVENT: &'static str = "KeyRotateIfDue";
    const ACTION: DataAction = DataAction::KeyRotate;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = LiveKey;
    type Reply = KeyBundle;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    /// Rejects a key that was rotated or disabled, or whose policy was changed, since the work was scheduled.
    fn check(&self, target: &LiveKey, now: Timestamp) -> Result<()> {
        let key = &target.0;
        if key.is_due(&ScheduledWork::RotateKey(key.container.clone(), key.name.clone()), now) {
            Ok(())
        } else {
            Err(Error::Conflict { what: format!("key {}", key.name) })
        }
    }

    async fn execute(self, target: LiveKey, cx: &Cx) -> Result<Done<KeyBundle>> {
        rotate(target.0, cx).await
    }

    fn failure_changes(key: &KeyPath, error: &Error, _: Timestamp) -> Vec<Change> {
        if !Self::is_permanent_failure(error) {
            return Vec::new();
        }
        vec![Change::RecordNotice(key.container.clone(), key.name.clone(), Notice::NotRotated)]
    }
}

/// Returns the policy of a key, if it has one.
///
/// # Errors
/// `RotationPolicyMissing` if it has none and cannot be rotated without.
fn policy(key: &Key) -> Result<Option<&RotationPolicy>> {
    match key.rotation.as_deref() {
        None if key.container.kind().requires_rotation_policy() => {
            Err(Error::RotationPolicyMissing { name: key.name.clone() })
        }
        policy => Ok(policy),
    }
}

/// Generates a version with the type, size, operations, tags and enabled state of the current one, which may be
/// generated or imported.
// assumption: an imported key is rotated like any other, to a version generated in the token; the documentation excludes
// only external keys.
async fn rotate(key: Arc<Key>, cx: &Cx) -> Result<Done<KeyBundle>> {
    let current = key.current().ok_or_else(|| Error::internal(format!("{} has no version", key.name)))?;
    let spec = same_spec(&current.material)?;
    let expires = policy(&key)?.map(|policy| policy.rules.expires(cx.now)).transpose()?.flatten();
    let settings = inherited(current, expires);
    let name = NewVersionName(Some(Arc::clone(&key)));
    check_limits(cx, &name)?;
    // The new version keeps the family of the current one, since callers do not notice a rotation. Tags that were
    // changed to invalid ones do not prevent it.
    let family = match (cx.aes_modes, current.mode_family) {
        (AesModes::Azure, _) => None,
        (AesModes::Separated, Some(bound)) => Some(bound),
        (AesModes::Separated, None) => settings.mode_family(cx, spec.key_type).unwrap_or_default(),
    };
    generate(cx, &key.name, &spec, (settings, family), VersionOrigin::Rotated).await
}

/// Returns the settings that the new version inherits from the current one.
// assumption: the new version is valid at once, regardless of the `nbf` of the current one: the key could not be used
// until then.
fn inherited(current: &KeyVersion, expires: Option<KeyDate>) -> NewKeySettings {
    NewKeySettings {
        operations: Some(current.operations),
        protection: current.protection,
        enabled: current.attributes.enabled,
        not_before: None,
        expires,
        exportable: current.attributes.exportable,
        tags: current.tags.clone(),
    }
}

/// Returns the specification of a key with the type, size and exponent of this one.
fn same_spec(material: &PublicMaterial) -> Result<KeySpec> {
    let public_exponent = match material {
        PublicMaterial::Rsa { e, .. } => e
            .iter()
            .try_fold(0_u32, |number, byte| number.checked_mul(256)?.checked_add(u32::from(*byte)))
            .ok_or_else(|| Error::Unsupported {
                what: "generating an RSA key with a public exponent of more than 32 bits is not available"
                    .to_owned(),
            })?,
        PublicMaterial::Ec { .. } | PublicMaterial::Oct { .. } => 0,
    };
    Ok(KeySpec { key_type: material.key_type(), public_exponent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::{Curve, KeyType};

    #[test]
    fn rotation_keeps_key_type_and_public_exponent() {
        let rsa = |e: &[u8]| same_spec(&PublicMaterial::Rsa { n: vec![0xff; 384], e: e.to_vec() });
        let spec = |public_exponent| Ok(KeySpec { key_type: KeyType::Rsa { bits: 3072 }, public_exponent });
        assert_eq!(rsa(&[1, 0, 1]), spec(65537));
        assert_eq!(rsa(&[3]), spec(3));
        assert_eq!(rsa(&[0xff; 4]), spec(u32::MAX));
        assert!(matches!(rsa(&[1, 0, 0, 0, 1]), Err(Error::Unsupported { .. })));
        let ec = PublicMaterial::Ec { crv: Curve::P256K, x: vec![1; 32], y: vec![2; 32] };
        assert_eq!(same_spec(&ec).unwrap().key_type, KeyType::Ec { curve: Curve::P256K });
    }
}
