//! Updates a setting of a managed HSM.

use super::SettingTarget;
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::hsm::ManagedHsm;
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::model::setting::{Setting, SettingName};
use crate::ops::{Cx, Done, InHsm, Operation};

/// Updates a setting (<https://learn.microsoft.com/azure/key-vault/managed-hsm/authorize-azure-resource-manager>).
#[derive(Clone, Debug)]
pub struct UpdateSetting {
    /// The HSM.
    pub hsm: HsmName,
    /// The setting with its new value.
    pub setting: Setting,
}

impl Operation for UpdateSetting {
    const NAME: &'static str = "UpdateSetting";
    const EVENT: &'static str = "SettingUpdate";
    const ACTION: DataAction = DataAction::SettingsWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = SettingTarget;
    type Reply = InHsm<Setting>;

    fn target(&self) -> (HsmName, SettingName) {
        (self.hsm.clone(), self.setting.name)
    }

    async fn execute(self, _: SettingTarget, cx: &Cx) -> Result<Done<Self::Reply>> {
        let settings = cx.managed_hsm()?.settings.with(self.setting);
        let hsm = ManagedHsm { settings, ..cx.managed_hsm()?.as_ref().clone() };
        Ok(Done::with(InHsm::new(cx, self.setting)?, [Change::ReplaceHsm(hsm)]))
    }
}
