//! Azure's REST surface: the same operations, in the shapes that were recorded of the service.

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
