//! The result of starting a worker process for a token.

use super::connection::Connection;
use crate::capabilities::Capabilities;
use crate::model::Error;
use crate::model::name::VersionId;
use crate::token_info::TokenInfo;

/// A worker process with an open token.
pub(crate) struct OpenedToken {
    pub(crate) connection: Connection,
    pub(crate) token: TokenInfo,
    pub(crate) capabilities: Capabilities,
    pub(crate) keys: Vec<VersionId>,
}

/// Why a worker process could not open a token.
pub(crate) struct OpenFailure {
    pub(crate) error: Box<Error>,
    /// Whether the token rejected the PIN, which must not be tried again.
    pub(crate) pin_rejected: bool,
}

impl From<Error> for OpenFailure {
    fn from(error: Error) -> Self {
        Self { error: Box::new(error), pin_rejected: false }
    }
}
