//! Requests to operations, replies to JSON. Reading names and algorithms is the domain's own.
//!
//! Members of what is shown stand in the order of the alphabet: so the service sends them.

pub(super) mod access;
pub(super) mod crypto;
pub(super) mod keys;
pub(super) mod rotation;
pub(super) mod settings;
