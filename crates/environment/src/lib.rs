//! What the service takes from its environment: time, identifiers, and the configuration.

pub mod clock;
pub mod config;
pub mod ids;

use strongroom_model as model;
