//! Updates a setting of a managed HSM.

use super::OneSetting;
use crate::model::Result;
use crate::model::change::Change;
use crate::model::entry::Meter;
use crate::model::hsm::ManagedHsm;
use crate::model::name::HsmName;
use crate::model::rbac::Action;
use crate::model::setting::{Setting, SettingName};
use crate::ops::{Cx, Done, Of, Operation};

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
    const ACTION: Action = Action::SettingsWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = OneSetting;
    type Reply = Of<Setting>;

    fn target(&self) -> (HsmName, SettingName) {
        (self.hsm.clone(), self.setting.name)
    }

    async fn execute(self, _: OneSetting, cx: &Cx) -> Result<Done<Self::Reply>> {
        let settings = cx.hsm.settings.with(self.setting);
        let hsm = ManagedHsm { settings, ..cx.hsm.as_ref().clone() };
        Ok(Done::with(Of::new(cx, self.setting), [Change::ReplaceHsm(hsm)]))
    }
}
