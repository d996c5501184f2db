//! The protection of the keys that a container may hold.

use super::container::Container;
use super::key::{KeyType, Protection};
use super::vault::VaultSku;
use super::{Error, Field, Result};

impl Container {
    /// Returns the protection that a new key gets: what the request asks for, if the container has such keys.
    ///
    /// # Errors
    /// `Invalid` naming `kty`, which is the field with the type, if they require another SKU; `Unsupported` for symmetric keys in a
    /// vault.
    pub fn key_protection(&self, key_type: KeyType, asked: Protection, kty: Field) -> Result<Protection> {
        match (self, key_type) {
            // All types mean those protected by hardware, as recorded.
            (Self::ManagedHsm(_), _) => Ok(Protection::Hsm),
            (Self::Vault(_), KeyType::Oct { .. }) => {
                let what = "symmetric keys (kty oct and oct-HSM) are not available in vaults".to_owned();
                Err(Error::Unsupported { what })
            }
            // assumption: the code and the message of Azure are not recorded.
            (Self::Vault(vault), _) if vault.sku == VaultSku::Standard && asked == Protection::Hsm => {
                let why = "keys protected by hardware (RSA-HSM, EC-HSM) require a vault with the SKU premium";
                Err(Error::invalid(kty, why))
            }
            (Self::Vault(_), _) => Ok(asked),
        }
    }
}
