//! Responses of the data planes of managed HSMs: status, headers and body, as the service sends them.

use std::net::IpAddr;
use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use super::super::azure::error;
use super::super::azure::response::{CallResponse, Monitor, add_retry_after};
use super::endpoint::Endpoint;
use crate::engine;
use crate::model::audit_entry::DecidingAssignment;
use crate::model::{Error, Field};

/// The headers of every response, including errors and empty ones.
const COMMON_HEADERS: [(HeaderName, &str); 6] = [
    (CACHE_CONTROL, "no-cache"),
    (CONTENT_SECURITY_POLICY, "default-src 'self'"),
    (CONTENT_TYPE, "application/json; charset=utf-8"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "SAMEORIGIN"),
];

const ASYNC_OPERATION: HeaderName = HeaderName::from_static("azure-asyncoperation");
const BUILD_VERSION: HeaderName = HeaderName::from_static("x-ms-build-version");
pub(super) const NETWORK_INFO: HeaderName = HeaderName::from_static("x-ms-keyvault-network-info");
pub(super) const REGION: HeaderName = HeaderName::from_static("x-ms-keyvault-region");
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const LATENCY: HeaderName = HeaderName::from_static("x-ms-server-latency");

/// The properties of a request that the response headers depend on.
pub(super) struct ResponseContext<'a> {
    pub(super) started: Instant,
    pub(super) request_id: Uuid,
    pub(super) peer: Option<IpAddr>,
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    /// Whether the request carries a credential, valid or not.
    pub(super) has_credential: bool,
    /// The role assignment that authorizes the call, in a vault with Azure RBAC.
    pub(super) deciding_assignment: DecidingAssignment,
}

impl ResponseContext<'_> {
    /// Creates a response with the common headers.
    pub(super) fn response(&self, status: StatusCode, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        for (name, value) in COMMON_HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let values = [
            (REQUEST_ID, self.request_id.to_string()),
            (LATENCY, self.started.elapsed().as_millis().to_string()),
        ];
        for (name, text) in values {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
        if *self.method == Method::GET {
            headers.insert(BUILD_VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
        }
        response
    }
}

/// Returns the HTTP response to a successful call.
pub(super) fn success_response(
    call: CallResponse,
    context: &ResponseContext<'_>,
    endpoint: &Endpoint,
) -> Response {
    let mut response = context.response(call.status, call.body.map_or_else(Body::empty, Body::from));
    let headers = response.headers_mut();
    if let Some(Ok(region)) = endpoint.location.as_deref().map(HeaderValue::from_str) {
        headers.insert(REGION, region);
    }
    add_monitor(headers, call.monitor);
    if let Some(peer) = context.peer {
        let family = if peer.is_ipv4() { "Ipv4" } else { "Ipv6" };
        let info = format!("conn_type={family};addr={peer};act_addr_fam={family};");
        if let Ok(info) = HeaderValue::try_from(info) {
            headers.insert(NETWORK_INFO, info);
        }
    }
    response
}

/// Returns the HTTP response to a refused or failed call: without region and network headers, as recorded. `is_rotation`:
/// whether the call is the rotation of a key.
pub(super) fn error_response(
    error: &Error,
    is_rotation: bool,
    context: &ResponseContext<'_>,
    endpoint: &Endpoint,
) -> Response {
    let (code, message) = match error {
        // assumption: the status; code and message were reported by users of az (azure-cli, issue 30084).
        Error::Invalid { field: Field::Scope, .. } => {
            ("Invalidkeyidentifier", "Invalid key identifier".to_owned())
        }
        _ => error::code_and_message(error, &endpoint.base),
    };
    let is_repeated = code == "KeyNotFound" && is_rotation;
    let message = if is_repeated { format!("Key not found: {message}") } else { message };
    let message = format!("{message} (Activity ID: {})", context.request_id);
    let body = json!({"error": {"code": code, "message": message}});
    let mut response = context.response(status(error), Body::from(body.to_string()));
    add_retry_after(response.headers_mut(), error);
    response
}

/// Returns the status of an error.
pub(super) fn status(error: &Error) -> StatusCode {
    StatusCode::from_u16(engine::http_status(error)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Adds the URL of the status of an operation.
pub(super) fn add_monitor(headers: &mut HeaderMap, monitor: Option<Monitor>) {
    let Some(Monitor { url, retry_after }) = monitor else { return };
    if let Ok(url) = HeaderValue::try_from(url) {
        headers.insert(ASYNC_OPERATION, url);
    }
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
}
