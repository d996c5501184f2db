//! Settings of the service that single containers override.

use std::collections::BTreeMap;

use super::aes_modes::AesModes;
use super::container_id::ContainerId;
use super::name::HsmName;
use super::wrapped_key::BackupPolicy;

/// A setting: its default, and overrides for single containers.
#[derive(Clone, Debug, Default)]
pub struct ContainerSetting<T> {
    default: T,
    /// By case-insensitive container.
    overrides: BTreeMap<String, T>,
}

/// The configured restrictions on keys.
#[derive(Clone, Debug, Default)]
pub struct KeyPolicies {
    /// Whether an AES key version may be used with all mode families or only one.
    pub aes_modes: ContainerSetting<AesModes>,
    /// Whether new keys may be wrapped for backups.
    pub backup: ContainerSetting<BackupPolicy>,
}

impl<T: Copy> ContainerSetting<T> {
    /// Creates a setting from the default and the overrides for single HSMs.
    pub fn new<'n>(default: T, overrides: impl Iterator<Item = (&'n HsmName, T)>) -> Self {
        let overrides =
            overrides.map(|(name, value)| (ContainerId::from(name).to_case_insensitive(), value)).collect();
        Self { default, overrides }
    }

    /// Returns the value for a container.
    pub fn for_container(&self, container: &ContainerId) -> T {
        if self.overrides.is_empty() {
            return self.default;
        }
        self.overrides.get(&container.to_case_insensitive()).copied().unwrap_or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hsm_overrides_take_precedence_over_the_default() {
        let name = |text: &str| text.parse::<HsmName>().unwrap();
        let overrides = [(&name("Payments"), AesModes::Separated)];
        let setting = ContainerSetting::new(AesModes::Azure, overrides.into_iter());
        assert_eq!(setting.for_container(&name("payments").into()), AesModes::Separated);
        assert_eq!(setting.for_container(&name("others").into()), AesModes::Azure);
    }
}
