//! The target of operations on settings.

use crate::model::Result;
use crate::model::container::ContainerId;
use crate::model::local_rbac::LocalScope;
use crate::model::name::HsmName;
use crate::model::setting::SettingName;
use crate::ops::{DataPlane, Target, hsm_lock};
use crate::store::Store;

/// A setting of an HSM. Shares the lock of changes to the HSM resource, of which settings are part.
#[derive(Debug)]
pub struct SettingTarget;

impl Target for SettingTarget {
    type Plane = DataPlane;
    type Id = (HsmName, SettingName);

    fn container((hsm, _): &Self::Id) -> ContainerId {
        hsm.into()
    }

    fn scope(_: &Self::Id, _: &Store) -> LocalScope {
        LocalScope::Hsm
    }

    fn describe((hsm, name): &Self::Id) -> String {
        format!("hsms/{hsm}/settings/{name}")
    }

    fn lock((hsm, _): &Self::Id) -> String {
        hsm_lock(hsm)
    }

    fn load(_: &Self::Id, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}
