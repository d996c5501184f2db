//! Tests of the data plane's REST surface: the same operations, in the shapes recorded from Azure.

pub(crate) mod ask;
mod challenge;
mod crypto;
mod floods;
mod inputs;
mod keys;
mod limits;
mod lists;
mod openssl_provider;
mod recorded;
mod refusals;
mod roles;
mod settings;
