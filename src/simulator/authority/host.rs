//! The host and port of a request as an argument of handlers.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::Authority;
use super::refusal::Refusal;
use crate::api::HostAndPort;

impl FromRequestParts<Arc<Authority>> for HostAndPort {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Authority>) -> Result<Self, Refusal> {
        Self::of(parts).ok_or_else(|| {
            Refusal::invalid_request(90_023, "The request does not name the host it is sent to.")
        })
    }
}
