//! Errors in Entra ID's shape: what its clients print, and sometimes act on.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, PRAGMA, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

use crate::ids::Ids;
use crate::model::error::shorten;

use super::super::machine_clock;

/// A request that is not served.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    status: StatusCode,
    /// The OAuth 2 error code (RFC 6749, 5.2).
    error: &'static str,
    /// The number after `AADSTS`.
    number: u32,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, error: &'static str, number: u32, message: impl Into<String>) -> Self {
        Self { status, error, number, message: message.into() }
    }

    pub(super) fn invalid_request(number: u32, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", number, message)
    }

    pub(super) fn unknown_tenant(tenant: &str, error: &'static str) -> Self {
        let message = format!(
            "Tenant '{}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.",
            shorten(tenant)
        );
        Self::new(StatusCode::BAD_REQUEST, error, 90_002, message)
    }

    pub(super) fn missing(parameter: &str) -> Self {
        Self::invalid_request(
            900_144,
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }

    pub(super) fn missing_secret() -> Self {
        let message =
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", 7_000_218, message)
    }

    pub(super) fn unsupported_grant(grant: &str) -> Self {
        let message = format!("The app requested an unsupported grant type '{}'.", shorten(grant));
        Self::new(StatusCode::BAD_REQUEST, "unsupported_grant_type", 70_003, message)
    }

    pub(super) fn unknown_application(client_id: &str, tenant: Uuid) -> Self {
        let message = format!(
            "Application with identifier '{}' was not found in the directory '{tenant}'.",
            shorten(client_id)
        );
        Self::new(StatusCode::BAD_REQUEST, "unauthorized_client", 700_016, message)
    }

    pub(super) fn wrong_secret(client_id: Uuid) -> Self {
        let message = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'."
        );
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", 7_000_215, message)
    }

    pub(super) fn wrong_scope(scope: &str) -> Self {
        let message = format!(
            "The provided value for scope {} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
            shorten(scope)
        );
        Self::new(StatusCode::BAD_REQUEST, "invalid_scope", 1_002_012, message)
    }

    pub(super) fn unknown_resource(resource: &str, tenant: Uuid) -> Self {
        let message = format!(
            "The resource principal named {} was not found in the tenant named {tenant}.",
            shorten(resource)
        );
        Self::new(StatusCode::BAD_REQUEST, "invalid_resource", 500_011, message)
    }

    pub(super) fn our_fault() -> Self {
        let message = "The service is temporarily unavailable. Please retry later.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", 90_033, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (trace, correlation) = (Ids.guid(), Ids.guid());
        let now = i64::try_from(machine_clock::unix_seconds()).unwrap_or_default();
        let timestamp = jiff::Timestamp::from_second(now)
            .map(|now| now.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
            .unwrap_or_default();
        let Self { status, error, number, message } = self;
        let body = json!({
            "error": error,
            "error_description": format!("AADSTS{number}: {message} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"),
            "error_codes": [number],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
        });
        let mut response =
            (status, [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6749, 5.2.
            let challenge = axum::http::HeaderValue::from_static("Basic realm=\"token\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
