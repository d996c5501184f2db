//! Strongroom: a Managed HSM you can run yourself.
//!
//! The lower layers are packages of their own, in `crates/`. Modules are declared lowest layer first.
//! `docs/architecture.md` describes the layers, and `tests/architecture.rs` checks that no module depends on a layer
//! above its own.

pub use strongroom_audit as audit;
pub use strongroom_backup as backup;
pub use strongroom_certificate as certificate;
pub use strongroom_environment::{clock, config, ids};
pub use strongroom_identity as identity;
pub use strongroom_model as model;
pub use strongroom_public_key as public_key;
pub use strongroom_security_domain as security_domain;
pub use strongroom_storage as storage;
pub use strongroom_store as store;
pub use strongroom_telemetry as telemetry;
pub use strongroom_token as token;

pub mod focus;

pub mod ops;

pub mod engine;

pub mod api;
pub mod jobs;

pub mod server;

pub mod gateway;
pub mod simulator;

pub mod cli;
