//! What only a simulator has: its token issuer with the directory and the managed identities, and its certificates.

pub mod authority;
pub mod certificates;
pub mod files;

mod access_token_log;
mod name_constraints;
mod setup_error;

pub use setup_error::SetupError;
