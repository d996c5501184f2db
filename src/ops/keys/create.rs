//! Generates a key, or a new version of an existing key, in the token.

use std::sync::Arc;

use super::settings::{check_limits, declare_version, stored_name, verify_key_pair};
use super::{KeyBundle, NewKeySettings};
use crate::model::aes_modes::ModeFamily;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, VersionOrigin};
use crate::model::key::KeySpec;
use crate::model::local_rbac::DataAction;
use crate::model::name::KeyName;
use crate::model::throttling::CallClass;
use crate::model::{Field, Result, Timestamp};
use crate::ops::{Cx, Done, KeyPath, NewVersionName, Operation};

/// Generates a key version (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>).
#[derive(Clone, Debug)]
pub struct CreateKey {
    /// The key.
    pub key: KeyPath,
    /// The key type, size or curve, and public exponent.
    pub spec: KeySpec,
    /// The operations, attributes and tags of the version.
    pub settings: NewKeySettings,
}

impl Operation for CreateKey {
    const NAME: &'static str = "CreateKey";
    const EVENT: &'static str = "KeyCreate";
    const ACTION: DataAction = DataAction::KeyCreate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = NewVersionName;
    type Reply = KeyBundle;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    fn call_class(&self, _: &NewVersionName, _: &Cx) -> CallClass {
        CallClass::CreateKey(self.settings.protection)
    }

    fn check(&self, _: &NewVersionName, _: Timestamp) -> Result<()> {
        self.settings.check()
    }

    async fn execute(self, target: NewVersionName, cx: &Cx) -> Result<Done<KeyBundle>> {
        check_limits(cx, &target)?;
        let name = stored_name(&target, self.key.name);
        let settings = self.settings.in_container(cx, self.spec.key_type, Field::Kty)?;
        let family = settings.mode_family(cx, self.spec.key_type)?;
        generate(cx, &name, &self.spec, (settings, family), VersionOrigin::Created).await
    }
}

/// Generates a version in the token. The caller has checked the limits of the name.
pub(super) async fn generate(
    cx: &Cx,
    name: &KeyName,
    spec: &KeySpec,
    (settings, family): (NewKeySettings, Option<ModeFamily>),
    how: VersionOrigin,
) -> Result<Done<KeyBundle>> {
    let version = declare_version(cx).await?;
    let material = cx.token()?.generate(version, spec, cx.backup).await?;
    verify_key_pair(cx, version, &material).await?;
    let made = settings.version(cx, name, version, material, family);
    let bundle = KeyBundle { version: Arc::new(made.clone()), level: cx.recovery_level(), managed: false };
    Ok(Done::with(bundle, [Change::InsertVersion(made, how)]))
}
