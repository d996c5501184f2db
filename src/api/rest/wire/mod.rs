//! Converts request bodies to operations and replies to JSON. The domain parses names and algorithms.
//!
//! Members of responses of managed HSMs are in alphabetical order, as the service sends them.

pub(super) mod access;
pub(super) mod backup;
pub(super) mod certificates;
pub(super) mod crypto;
pub(super) mod full_backup;
pub(super) mod keys;
pub(super) mod rotation;
pub(super) mod secrets;
pub(super) mod security_domain;
pub(super) mod settings;
pub(super) mod vault_keys;
mod vault_list;
mod vault_object;
