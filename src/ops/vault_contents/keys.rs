//! Keys of vaults as resources of the control plane.

use super::names;
use super::through_control_plane::{ResourceOperation, ThroughControlPlane};
use crate::model::Result;
use crate::model::Timestamp;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::local_rbac::DataAction;
use crate::ops::keys::{CreateKey, GetKey, KeyBundle, ListKeyVersions, ListKeys};
use crate::ops::{Cx, Done, KeyPath, NewVersionName, Operation, OperationNames};

/// Creates a key, unless there is one of this name, which is then returned unchanged.
pub type PutKeyResource = ThroughControlPlane<EnsureKey>;
/// Returns a key by its current version, or a version of it.
pub type GetKeyResource = ThroughControlPlane<GetKey>;
/// Lists the live keys of a vault.
pub type ListKeyResources = ThroughControlPlane<ListKeys>;
/// Lists the versions of a key.
pub type ListKeyVersionResources = ThroughControlPlane<ListKeyVersions>;

impl ResourceOperation for EnsureKey {
    const RESOURCE: OperationNames<ControlAction> =
        names("PutKeyResource", "VaultKeyPut", ControlAction::VaultKeyWrite);
}

impl ResourceOperation for GetKey {
    const RESOURCE: OperationNames<ControlAction> =
        names("GetKeyResource", "VaultKeyGet", ControlAction::VaultKeyRead);
}

impl ResourceOperation for ListKeys {
    const RESOURCE: OperationNames<ControlAction> =
        names("ListKeyResources", "VaultKeyList", ControlAction::VaultKeyRead);
}

impl ResourceOperation for ListKeyVersions {
    const RESOURCE: OperationNames<ControlAction> =
        names("ListKeyVersionResources", "VaultKeyListVersions", ControlAction::VaultKeyRead);
}

/// Creates a key, unless there is one of this name.
#[derive(Clone, Debug)]
pub struct EnsureKey(pub CreateKey);

impl Operation for EnsureKey {
    const NAME: &'static str = "EnsureKey";
    const EVENT: &'static str = "KeyEnsure";
    const ACTION: DataAction = DataAction::KeyCreate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    const IS_RPC: bool = false;
    type Target = NewVersionName;
    type Reply = KeyBundle;

    fn target(&self) -> KeyPath {
        self.0.target()
    }

    fn check(&self, target: &NewVersionName, now: Timestamp) -> Result<()> {
        self.0.check(target, now)
    }

    async fn execute(self, target: NewVersionName, cx: &Cx) -> Result<Done<KeyBundle>> {
        let known = target.0.as_ref().and_then(|key| Some((key.current()?.clone(), key.managed)));
        match known {
            Some((version, managed)) => {
                Ok(Done::reply(KeyBundle { version, level: cx.recovery_level(), managed }))
            }
            None => self.0.execute(target, cx).await,
        }
    }
}
