//! Secrets of vaults as resources of the control plane.

use super::names;
use super::through_control_plane::{ResourceOperation, ThroughControlPlane};
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::key::Tags;
use crate::model::secret::{SecretId, SecretValue, SecretVersion};
use crate::model::vault_rbac::VaultAction;
use crate::model::{Result, Timestamp};
use crate::ops::keys::AttributeChanges;
use crate::ops::secrets::{
    ListSecrets, LiveSecretVersion, NewSecretSettings, NewSecretVersion, SecretBundle, SecretPath, SetSecret,
    UpdateSecretVersion,
};
use crate::ops::{Cx, Done, Operation, OperationNames, Target as _};

/// Stores a value as a secret, or as a new version of an existing one.
pub type PutSecretResource = ThroughControlPlane<SetSecret>;
/// Returns the current version of a secret without its value.
pub type GetSecretResource = ThroughControlPlane<DescribeSecret>;
/// Lists the live secrets of a vault without their values.
pub type ListSecretResources = ThroughControlPlane<ListSecrets>;
/// Updates the current version of a secret, or adds a version with a new value.
pub type UpdateSecretResource = ThroughControlPlane<ChangeSecret>;

impl ResourceOperation for SetSecret {
    const RESOURCE: OperationNames<ControlAction> =
        names("PutSecretResource", "VaultSecretPut", ControlAction::VaultSecretWrite);
}

impl ResourceOperation for ListSecrets {
    const RESOURCE: OperationNames<ControlAction> =
        names("ListSecretResources", "VaultSecretList", ControlAction::VaultSecretRead);
}

impl ResourceOperation for DescribeSecret {
    const RESOURCE: OperationNames<ControlAction> =
        names("GetSecretResource", "VaultSecretGet", ControlAction::VaultSecretRead);
}

impl ResourceOperation for ChangeSecret {
    const RESOURCE: OperationNames<ControlAction> =
        names("UpdateSecretResource", "VaultSecretPatch", ControlAction::VaultSecretWrite);
}

/// Returns a secret version without its value, which the data plane has in lists only.
#[derive(Clone, Debug)]
pub struct DescribeSecret {
    /// The version; the current one if the identifier names none.
    pub secret: SecretId,
}

impl Operation for DescribeSecret {
    const NAME: &'static str = "DescribeSecret";
    const EVENT: &'static str = "SecretDescribe";
    const ACTION: VaultAction = VaultAction::SecretList;
    const METER: Meter = Meter::Management;
    const IS_RPC: bool = false;
    type Target = LiveSecretVersion;
    type Reply = SecretBundle;

    fn target(&self) -> SecretId {
        self.secret.clone()
    }

    async fn execute(self, target: LiveSecretVersion, cx: &Cx) -> Result<Done<SecretBundle>> {
        let version = target.0;
        let managed = cx.store.secret(&version.vault, &version.name).is_some_and(|secret| secret.managed);
        Ok(Done::reply(SecretBundle { version, level: cx.recovery_level(), managed }))
    }
}

/// Changes a secret. A value makes a new version, which has the properties of the current one that the request does not change;
/// without a value, the current version is updated.
// assumption: what a value in an update does is not recorded.
#[derive(Clone, Debug)]
pub struct ChangeSecret {
    /// The secret.
    pub secret: SecretPath,
    /// The new value.
    pub value: Option<SecretValue>,
    /// The new content type.
    pub content_type: Option<String>,
    /// The new attributes.
    pub attributes: AttributeChanges,
    /// Tags that replace all existing ones.
    pub tags: Option<Tags>,
}

impl ChangeSecret {
    fn update(self) -> UpdateSecretVersion {
        let SecretPath { vault, name } = self.secret;
        UpdateSecretVersion {
            secret: SecretId { vault, name, version: None },
            content_type: self.content_type,
            attributes: self.attributes,
            tags: self.tags,
        }
    }

    /// Returns the operation that adds a version after `current`.
    fn add(self, value: SecretValue, current: &SecretVersion) -> SetSecret {
        let AttributeChanges { enabled, not_before, expires } = self.attributes;
        let settings = NewSecretSettings {
            content_type: self.content_type.or_else(|| current.content_type.clone()),
            enabled: enabled.unwrap_or(current.attributes.enabled),
            not_before: not_before.unwrap_or(current.attributes.not_before),
            expires: expires.unwrap_or(current.attributes.expires),
            tags: self.tags.unwrap_or_else(|| current.tags.clone()),
        };
        SetSecret { secret: self.secret, value, settings }
    }
}

impl Operation for ChangeSecret {
    const NAME: &'static str = "ChangeSecret";
    const EVENT: &'static str = "SecretChange";
    const ACTION: VaultAction = VaultAction::SecretUpdate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    const IS_RPC: bool = false;
    type Target = LiveSecretVersion;
    type Reply = SecretBundle;

    fn target(&self) -> SecretId {
        let SecretPath { vault, name } = self.secret.clone();
        SecretId { vault, name, version: None }
    }

    fn check(&self, target: &LiveSecretVersion, now: Timestamp) -> Result<()> {
        self.clone().update().check(target, now)
    }

    async fn execute(mut self, target: LiveSecretVersion, cx: &Cx) -> Result<Done<SecretBundle>> {
        let Some(value) = self.value.take() else { return self.update().execute(target, cx).await };
        let set = self.add(value, &target.0);
        let name = NewSecretVersion::load(&set.secret, &cx.store)?;
        set.check(&name, cx.now)?;
        Ok(set.execute(name, cx).await?.map(|reply| reply.bundle))
    }
}
