//! Changes key operations, attributes or tags of a version.

use std::sync::Arc;

use super::KeyBundle;
use crate::model::change::Change;
use crate::model::due::Notice;
use crate::model::entry::Meter;
use crate::model::key::{KeyOperation, Tags, check_operations, check_tags, check_validity, parse_operations};
use crate::model::key_date::KeyDate;
use crate::model::name::KeyId;
use crate::model::rbac::Action;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, Operation, Version};

/// Changes a version. What is `None` stays as it is; what is given replaces what was there.
#[derive(Clone, Debug)]
pub struct UpdateKeyVersion {
    /// Which version, or the current one.
    pub key: KeyId,
    /// New key operations, by name; an empty list means none.
    pub operations: Option<Vec<String>>,
    /// New attributes.
    pub attributes: AttributeChanges,
    /// New tags, all of them.
    pub tags: Option<Tags>,
}

/// New attributes; the inner `None` takes a date away.
#[derive(Clone, Debug, Default)]
pub struct AttributeChanges {
    /// Whether the version may be used.
    pub enabled: Option<bool>,
    /// Not usable before.
    pub not_before: Option<Option<KeyDate>>,
    /// Not usable from then on.
    pub expires: Option<Option<KeyDate>>,
}

impl Operation for UpdateKeyVersion {
    const NAME: &'static str = "UpdateKeyVersion";
    const EVENT: &'static str = "KeyUpdate";
    const ACTION: Action = Action::KeyWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = Version;
    type Reply = KeyBundle;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn check(&self, _: &Version, _: Timestamp) -> Result<()> {
        self.tags.as_ref().map_or(Ok(()), check_tags)
    }

    async fn execute(self, target: Version, cx: &Cx) -> Result<Done<KeyBundle>> {
        let mut version = target.0.as_ref().clone();
        if let Some(names) = &self.operations {
            let operations = parse_operations(Some(names), version.material.key_type())?;
            check_operations(&operations, version.material.key_type())?;
            if operations.contains(&KeyOperation::Export) || operations.contains(&KeyOperation::Import) {
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
            // Another expiry is news again.
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
        let bundle = KeyBundle { version: Arc::new(version.clone()), level: cx.recovery_level() };
        Ok(Done::with(bundle, [Change::ReplaceVersion(version)]))
    }
}
