//! What the test binaries with server processes share: the server, its clients, and common requests.

pub(crate) mod access_tokens;
pub(crate) mod directory;
pub(crate) mod messages;
pub(crate) mod postgres;
pub(crate) mod prepared;
pub(crate) mod rest;
pub(crate) mod roles;
pub(crate) mod support;
