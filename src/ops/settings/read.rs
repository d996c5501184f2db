//! Lists and returns settings of a managed HSM.

use super::SettingTarget;
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::model::setting::{Setting, SettingName};
use crate::ops::{Cx, Done, InHsm, Operation, WholeHsm};

/// Lists the settings of an HSM
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/authorize-azure-resource-manager>).
#[derive(Clone, Debug)]
pub struct ListSettings {
    /// The HSM.
    pub hsm: HsmName,
}

impl Operation for ListSettings {
    const NAME: &'static str = "ListSettings";
    const EVENT: &'static str = "SettingList";
    const ACTION: DataAction = DataAction::SettingsRead;
    const METER: Meter = Meter::Management;
    type Target = WholeHsm;
    type Reply = InHsm<Vec<Setting>>;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: WholeHsm, cx: &Cx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(InHsm::new(cx, cx.managed_hsm()?.settings.all())?))
    }
}

/// Returns a setting (<https://learn.microsoft.com/azure/key-vault/managed-hsm/authorize-azure-resource-manager>).
#[derive(Clone, Debug)]
pub struct GetSetting {
    /// The HSM.
    pub hsm: HsmName,
    /// The name of the setting.
    pub name: SettingName,
}

impl Operation for GetSetting {
    const NAME: &'static str = "GetSetting";
    const EVENT: &'static str = "SettingGet";
    const ACTION: DataAction = DataAction::SettingsRead;
    const METER: Meter = Meter::Management;
    type Target = SettingTarget;
    type Reply = InHsm<Setting>;

    fn target(&self) -> (HsmName, SettingName) {
        (self.hsm.clone(), self.name)
    }

    async fn execute(self, _: SettingTarget, cx: &Cx) -> Result<Done<Self::Reply>> {
        Ok(Done::reply(InHsm::new(cx, cx.managed_hsm()?.settings.get(self.name))?))
    }
}
