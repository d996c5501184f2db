//! The security domain of a managed HSM: the keys that protect its backups.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/managed-hsm/security-domain>

mod keys;
mod secrets;

pub use keys::{DomainKeys, install, is_supported};
pub use secrets::DomainSecrets;
