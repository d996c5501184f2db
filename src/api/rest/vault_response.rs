//! Responses of the data planes of vaults, which differ from those of managed HSMs in headers and in the form of errors.
//!
//! Source: recordings of `azsecrets` and `azcertificates` for Go of 2024 to 2026.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, EXPIRES, LOCATION, PRAGMA, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use super::super::azure::error;
use super::super::azure::response::{CallResponse, add_retry_after};
use super::challenge;
use super::endpoint::Endpoint;
use super::response::{self, NETWORK_INFO, REGION, REQUEST_ID, ResponseContext};
use crate::model::Error;

/// The headers of every response.
const COMMON_HEADERS: [(HeaderName, &str); 6] = [
    (CACHE_CONTROL, "no-cache"),
    (EXPIRES, "-1"),
    (PRAGMA, "no-cache"),
    // Without the space that managed HSMs send.
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000;includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // assumption: clients do not interpret the version; this is that of the program.
    (HeaderName::from_static("x-ms-keyvault-service-version"), env!("CARGO_PKG_VERSION")),
];

/// Of every call that a role assignment has authorized, as recorded.
// assumption: also of those that fail afterwards.
const ASSIGNMENT_ID: HeaderName = HeaderName::from_static("x-ms-keyvault-rbac-assignment-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const RETURN_CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-return-client-request-id");

/// The text for requests without a credential, recorded since May 2026.
const NO_CREDENTIAL: &str = "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token.";

/// Returns the response to a successful call. One without content has neither a length nor a type.
pub(super) fn success_response(
    call: CallResponse,
    context: &ResponseContext<'_>,
    endpoint: &Endpoint,
) -> Response {
    let mut response = response(call.status, call.body.unwrap_or_default(), context, endpoint);
    let headers = response.headers_mut();
    if let Some(Ok(location)) = call.location.map(HeaderValue::try_from) {
        headers.insert(LOCATION, location);
    }
    if let Some(seconds) = call.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response::add_monitor(headers, call.monitor);
    response
}

/// Returns the response to a refused or failed call.
pub(super) fn error_response(error: &Error, context: &ResponseContext<'_>, endpoint: &Endpoint) -> Response {
    let (code, message) = match error {
        Error::PurgeProtected { .. } => ("Forbidden", purge_protected(endpoint)),
        _ => error::vault_code_and_message(error, &endpoint.base),
    };
    let body = envelope(code, &message, error::inner_code(error));
    let mut response = self::response(response::status(error), body, context, endpoint);
    add_retry_after(response.headers_mut(), error);
    response
}

/// Returns the message about a purge that purge protection, or a protected subscription, forbids.
// assumption: reported by users, not recorded; that of a protected subscription is the same.
fn purge_protected(endpoint: &Endpoint) -> String {
    let vault = endpoint.container.as_ref().ok().and_then(|container| container.vault());
    format!(
        "Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed.\r\nVault: {};location={}",
        vault.map_or_else(String::new, ToString::to_string),
        endpoint.location.as_deref().unwrap_or_default()
    )
}

/// Returns the response to a request without a valid credential: with a body, regardless of the verb.
pub(super) fn challenge(error: &Error, context: &ResponseContext<'_>, endpoint: &Endpoint) -> Response {
    let (code, why) = error::vault_code_and_message(error, &endpoint.base);
    // assumption: the texts for invalid credentials are not recorded.
    let message = if context.has_credential { &*why } else { NO_CREDENTIAL };
    let body = envelope(code, message, error::inner_code(error));
    let mut response = response(StatusCode::UNAUTHORIZED, body, context, endpoint);
    challenge::add(response.headers_mut(), endpoint);
    response
}

/// The body of an error. Managed HSMs have no inner code.
#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(rename = "innererror", skip_serializing_if = "Option::is_none")]
    inner: Option<InnerError<'a>>,
}

#[derive(Serialize)]
struct InnerError<'a> {
    code: &'a str,
}

fn envelope(code: &str, message: &str, inner: Option<&str>) -> Vec<u8> {
    let error = ErrorBody { code, message, inner: inner.map(|code| InnerError { code }) };
    // Serializing text does not fail.
    serde_json::to_vec(&BTreeMap::from([("error", error)])).unwrap_or_default()
}

fn response(
    status: StatusCode,
    body: Vec<u8>,
    context: &ResponseContext<'_>,
    endpoint: &Endpoint,
) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in COMMON_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if status != StatusCode::NO_CONTENT {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    }
    let values = [
        (REQUEST_ID, Some(context.request_id.to_string())),
        (REGION, endpoint.location.clone()),
        (NETWORK_INFO, context.peer.map(network_info)),
        (ASSIGNMENT_ID, context.deciding_assignment.get().map(|id| id.simple().to_string())),
    ];
    for (name, text) in values {
        if let Some(Ok(value)) = text.map(HeaderValue::try_from) {
            headers.insert(name, value);
        }
    }
    // Seen in traces of clients for .NET, which ask for it.
    let is_wanted = context.headers.get(RETURN_CLIENT_REQUEST_ID).is_some_and(|wanted| wanted == "true");
    if let Some(id) = context.headers.get(CLIENT_REQUEST_ID).filter(|_| is_wanted) {
        headers.insert(CLIENT_REQUEST_ID, id.clone());
    }
    response
}

/// Returns the address of the sender.
// assumption: the second family is that of .NET, of which only the one for IPv4 is recorded.
fn network_info(peer: IpAddr) -> String {
    let (connection, family) =
        if peer.is_ipv4() { ("Ipv4", "InterNetwork") } else { ("Ipv6", "InterNetworkV6") };
    format!("conn_type={connection};addr={peer};act_addr_fam={family};")
}
