//! The settings of a managed HSM.

mod read;
mod target;
mod update;

pub use read::{GetSetting, ListSettings};
pub use target::OneSetting;
pub use update::UpdateSetting;
