//! Updates content type, attributes and tags of a secret version; its value does not change.

use std::sync::Arc;

use super::{LiveSecretVersion, SecretBundle};
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::key::Tags;
use crate::model::secret::{SecretId, check_content_type, check_tags, check_validity};
use crate::model::vault_rbac::VaultAction;
use crate::model::{Result, Timestamp};
use crate::ops::keys::AttributeChanges;
use crate::ops::{Cx, Done, Operation};

/// Updates a secret version (<https://learn.microsoft.com/rest/api/keyvault/secrets/update-secret/update-secret>). A property
/// that is `None` is kept.
#[derive(Clone, Debug)]
pub struct UpdateSecretVersion {
    /// The version; the current one if the identifier names none.
    pub secret: SecretId,
    /// The new content type.
    pub content_type: Option<String>,
    /// The new attributes.
    pub attributes: AttributeChanges,
    /// Tags that replace all existing ones.
    pub tags: Option<Tags>,
}

impl Operation for UpdateSecretVersion {
    const NAME: &'static str = "UpdateSecretVersion";
    const EVENT: &'static str = "SecretUpdate";
    const ACTION: VaultAction = VaultAction::SecretUpdate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = LiveSecretVersion;
    type Reply = SecretBundle;

    fn target(&self) -> SecretId {
        self.secret.clone()
    }

    fn check(&self, _: &LiveSecretVersion, _: Timestamp) -> Result<()> {
        self.content_type.as_deref().map_or(Ok(()), check_content_type)?;
        self.tags.as_ref().map_or(Ok(()), check_tags)
    }

    async fn execute(self, target: LiveSecretVersion, cx: &Cx) -> Result<Done<SecretBundle>> {
        let mut version = target.0.as_ref().clone();
        let AttributeChanges { enabled, not_before, expires } = self.attributes;
        let attributes = &mut version.attributes;
        attributes.enabled = enabled.unwrap_or(attributes.enabled);
        attributes.not_before = not_before.unwrap_or(attributes.not_before);
        attributes.expires = expires.unwrap_or(attributes.expires);
        attributes.updated = cx.now;
        check_validity(attributes.not_before, attributes.expires)?;
        // An empty content type removes it.
        version.content_type = self.content_type.or(version.content_type).filter(|text| !text.is_empty());
        if let Some(tags) = self.tags {
            version.tags = tags;
        }
        let bundle =
            SecretBundle { version: Arc::new(version.clone()), level: cx.recovery_level(), managed: false };
        Ok(Done::with(bundle, [Change::ReplaceSecretVersion(version)]))
    }
}
