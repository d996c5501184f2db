//! Strongroom: a Managed HSM you can run yourself.
//!
//! The map of the house, lowest layer first. `docs/architecture.md` explains it, and
//! `tests/architecture.rs` keeps it true: no module names one above itself.

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

pub mod cli;
pub mod server;
