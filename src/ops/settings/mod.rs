//! The settings of a managed HSM.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/managed-hsm/authorize-azure-resource-manager>

mod read;
mod target;
mod update;

pub use read::{GetSetting, ListSettings};
pub use target::SettingTarget;
pub use update::UpdateSetting;
