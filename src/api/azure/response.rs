//! The response to a successful call on an Azure surface, before the surface adds its headers.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use crate::model::{Error, Result};

/// The response to a successful call.
#[derive(Debug)]
pub(in crate::api) struct CallResponse {
    pub(in crate::api) status: StatusCode,
    /// The JSON text; `None` for a response without a body.
    pub(in crate::api) body: Option<Vec<u8>>,
    /// The URL of the operation result.
    pub(in crate::api) location: Option<String>,
    /// After how many seconds clients should ask again.
    pub(in crate::api) retry_after: Option<u32>,
    /// The URL of the status of an operation of the data plane.
    pub(in crate::api) monitor: Option<Monitor>,
}

/// The URL of the status of an operation, for `azure-asyncoperation`.
#[derive(Debug)]
pub(in crate::api) struct Monitor {
    pub(in crate::api) url: String,
    /// After how many seconds clients should ask, if the header is sent.
    pub(in crate::api) retry_after: Option<u32>,
}

impl CallResponse {
    /// A response with a JSON body. Members are in the order of their declaration.
    ///
    /// # Errors
    /// `Internal` if the body cannot be serialized.
    pub(in crate::api) fn json(status: StatusCode, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(body).map_err(Error::internal)?;
        Ok(Self { status, body: Some(body), location: None, retry_after: None, monitor: None })
    }

    /// A response without a body.
    pub(in crate::api) const fn empty(status: StatusCode) -> Self {
        Self { status, body: None, location: None, retry_after: None, monitor: None }
    }

    /// A response with status 202 and the URL of the operation result, as for the service's asynchronous operations. Here
    /// the operation is already complete.
    pub(in crate::api) const fn accepted(location: String) -> Self {
        Self {
            status: StatusCode::ACCEPTED,
            body: None,
            location: Some(location),
            retry_after: None,
            monitor: None,
        }
    }
}

/// Adds after how many seconds clients should repeat a request that failed because of a temporary condition.
pub(in crate::api) fn add_retry_after(headers: &mut HeaderMap, error: &Error) {
    if let Some(seconds) = retry_after_seconds(error) {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// Returns the value of `Retry-After` for an error: whole seconds (RFC 9110, section 10.2.3), rounded up.
pub fn retry_after_seconds(error: &Error) -> Option<u64> {
    error.retry_after().map(|delay| delay.as_secs() + u64::from(delay.subsec_nanos() > 0))
}
