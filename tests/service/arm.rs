//! Tests of the Azure Resource Manager surface: managed HSMs as resources, in the shapes recorded from Azure.

mod authorization;
pub(crate) mod client;
mod cloud;
mod contents;
mod hsms;
mod inputs;
mod refusals;
mod tokens;
mod vault_put;
mod vaults;
