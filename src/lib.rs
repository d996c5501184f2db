//! Strongroom: a Managed HSM you can run yourself.
//!
//! Modules are declared lowest layer first. `docs/architecture.md` describes the layers, and
//! `tests/architecture.rs` checks that no module depends on a layer above its own.

pub mod model;

pub mod clock;
pub mod config;
pub mod focus;
pub mod ids;
pub mod public_key;

pub mod audit;
pub mod identity;
pub mod store;
pub mod token;

pub mod ops;

pub mod engine;

pub mod api;
pub mod jobs;

pub mod simulator;

pub mod cli;
pub mod server;
