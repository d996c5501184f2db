//! Tests of the data plane's REST surface: the same operations, in the shapes recorded from Azure.

mod certificates;
mod challenge;
mod crypto;
mod full_backup;
mod inputs;
mod keys;
mod limits;
mod lists;
mod openssl_provider;
mod recorded;
mod refusals;
mod roles;
mod settings;
mod transport_limits;
mod vault_keys;
mod vault_messages;
mod vaults;

pub(crate) use crate::kit::rest as client;
