//! Failures to set up the simulator's authority and its certificates.

use crate::config::ConfigError;
use crate::model::Error;

/// Why something cannot be opened at start-up.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SetupError {
    /// A setting is invalid.
    #[error(transparent)]
    Setting(#[from] ConfigError),
    /// Files cannot be read or written, or are damaged.
    #[error(transparent)]
    Failed(#[from] Error),
}
