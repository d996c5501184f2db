//! Stores a value as a secret, or as a new version of an existing one.

use std::sync::Arc;

use super::sealing::seal;
use super::{NewSecretVersion, RevealedSecret, SecretBundle, SecretPath};
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::key::Tags;
use crate::model::key_date::KeyDate;
use crate::model::limit;
use crate::model::name::VaultName;
use crate::model::secret::{
    SecretAttributes, SecretValue, SecretVersion, check_content_type, check_tags, check_validity,
};
use crate::model::throttling::CallClass;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Result, Timestamp};
use crate::ops::{Cx, Done, Operation};
use crate::store::Store;

/// The settings of a new version of a secret. They are not inherited from the previous version.
#[derive(Clone, Debug)]
pub struct NewSecretSettings {
    /// What the value is, for the user.
    pub content_type: Option<String>,
    /// Whether the value can be read.
    pub enabled: bool,
    /// The time before which the value should not be used (`nbf`).
    pub not_before: Option<KeyDate>,
    /// The expiry (`exp`).
    pub expires: Option<KeyDate>,
    /// The user's tags.
    pub tags: Tags,
}

/// Stores a value (<https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret/set-secret>). It is encrypted in the
/// token of the vault.
#[derive(Clone, Debug)]
pub struct SetSecret {
    /// The secret.
    pub secret: SecretPath,
    /// The value.
    pub value: SecretValue,
    /// Content type, attributes and tags of the version.
    pub settings: NewSecretSettings,
}

impl Operation for SetSecret {
    const NAME: &'static str = "SetSecret";
    const EVENT: &'static str = "SecretSet";
    const ACTION: VaultAction = VaultAction::SecretSet;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = NewSecretVersion;
    type Reply = RevealedSecret;

    fn target(&self) -> SecretPath {
        self.secret.clone()
    }

    fn call_class(&self, _: &NewSecretVersion, _: &Cx) -> CallClass {
        CallClass::CreateObject
    }

    fn check(&self, _: &NewSecretVersion, _: Timestamp) -> Result<()> {
        let NewSecretSettings { content_type, enabled: _, not_before, expires, tags } = &self.settings;
        content_type.as_deref().map_or(Ok(()), check_content_type)?;
        check_validity(*not_before, *expires)?;
        check_tags(tags)
    }

    async fn execute(self, target: NewSecretVersion, cx: &Cx) -> Result<Done<RevealedSecret>> {
        let vault = cx.vault()?.name.clone();
        check_limits(&target, &vault, &cx.store)?;
        let name = target.0.map_or(self.secret.name, |secret| secret.name.clone());
        let version = cx.ids.version();
        let value = seal(cx, (&name, version), &self.value).await?;
        let NewSecretSettings { content_type, enabled, not_before, expires, tags } = self.settings;
        let content_type = content_type.filter(|text| !text.is_empty());
        let attributes = SecretAttributes { enabled, not_before, expires, created: cx.now, updated: cx.now };
        let made = SecretVersion { vault, name, version, value, content_type, attributes, tags };
        let bundle =
            SecretBundle { version: Arc::new(made.clone()), level: cx.recovery_level(), managed: false };
        let reply = RevealedSecret { bundle, previous: None, value: self.value };
        Ok(Done::with(reply, [Change::InsertSecretVersion(made)]))
    }
}

/// Checks the limits on secrets and versions before the token is used; the store checks again when it applies the change.
fn check_limits(target: &NewSecretVersion, vault: &VaultName, store: &Store) -> Result<()> {
    match &target.0 {
        Some(secret) => limit::SECRET_VERSIONS.check_capacity(secret.versions.len()),
        None => limit::SECRETS.check_capacity(store.secret_count(vault)),
    }
}
