//! Updates operations, attributes and tags of a key version.

use std::sync::Arc;

use super::KeyBundle;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::container_id::KeyId;
use crate::model::due::Notice;
use crate::model::key::{KeyOperation, Tags, check_operations, check_tags, check_validity, parse_operations};
use crate::model::key_date::KeyDate;
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, LiveKeyVersion, Operation};

/// Updates a key version (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>). A property that is
/// `None` is kept.
#[derive(Clone, Debug)]
pub struct UpdateKeyVersion {
    /// The key version; the current one if the identifier names none.
    pub key: KeyId,
    /// The new operations, by name; an empty list permits none.
    pub operations: Option<Vec<String>>,
    /// The new attributes.
    pub attributes: AttributeChanges,
    /// Tags that replace all existing ones.
    pub tags: Option<Tags>,
}

/// New attributes; an inner `None` removes a date.
#[derive(Clone, Debug, Default)]
pub struct AttributeChanges {
    /// Whether the version is enabled.
    pub enabled: Option<bool>,
    /// The time before which the version is not valid (`nbf`).
    pub not_before: Option<Option<KeyDate>>,
    /// The expiry (`exp`).
    pub expires: Option<Option<KeyDate>>,
}

impl Operation for UpdateKeyVersion {
    const NAME: &'static str = "UpdateKeyVersion";
    const EVENT: &'static str = "KeyUpdate";
    const ACTION: DataAction = DataAction::KeyWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = LiveKeyVersion;
    type Reply = KeyBundle;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn call_class(&self, LiveKeyVersion(version): &LiveKeyVersion, _: &Cx) -> CallClass {
        CallClass::using(version.material.key_type(), version.protection)
    }

    fn check(&self, _: &LiveKeyVersion, _: Timestamp) -> Result<()> {
        self.tags.as_ref().map_or(Ok(()), check_tags)
    }

    async fn execute(self, target: LiveKeyVersion, cx: &Cx) -> Result<Done<KeyBundle>> {
        let mut version = target.0.as_ref().clone();
        if let Some(names) = &self.operations {
            let operations = parse_operations(names, version.material.key_type())?;
            check_operations(operations, version.material.key_type())?;
            if operations.contains(KeyOperation::Export) || operations.contains(KeyOperation::Import) {
                return Err(Error::Unsupported {
                    what:
                        "key release and bring your own key (key_ops export and import) are not available yet"
                            .to_owned(),
                });
            }
            version.operations = operations;
        }
        if let Some(enabled) = self.attributes.enabled {
            version.attributes.enabled = enabled;
        }
        if let Some(not_before) = self.attributes.not_before {
            version.attributes.not_before = not_before;
        }
        if let Some(expires) = self.attributes.expires {
            // A new expiry causes a new near-expiry notification.
            if expires != version.attributes.expires {
                version.notices = version.notices.without(Notice::NearExpiry);
            }
            version.attributes.expires = expires;
        }
        check_validity(version.attributes.not_before, version.attributes.expires)?;
        if let Some(tags) = self.tags {
            version.tags = tags;
        }
        version.attributes.updated = cx.now;
        let bundle =
            KeyBundle { version: Arc::new(version.clone()), level: cx.recovery_level(), managed: false };
        Ok(Done::with(bundle, [Change::ReplaceVersion(version)]))
    }
}
