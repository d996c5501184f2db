//! Responses of Azure Resource Manager: status, headers and body.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, EXPIRES, LOCATION, PRAGMA, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::azure::error;
use super::super::azure::response::{CallResponse, add_retry_after};
use super::endpoint::Endpoint;
use crate::engine;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Field};

/// The headers of every response.
const COMMON_HEADERS: [(HeaderName, &str); 5] = [
    (CACHE_CONTROL, "no-cache"),
    (EXPIRES, "-1"),
    (PRAGMA, "no-cache"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// The version of the resource provider, in responses about its resources.
const SERVICE_VERSION: HeaderName = HeaderName::from_static("x-ms-keyvault-service-version");
/// The cause of an error that Azure Resource Manager itself reports, as recorded.
const FAILURE_CAUSE: HeaderName = HeaderName::from_static("x-ms-failure-cause");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");

/// Returns the HTTP response to a successful call.
pub(super) fn success_response(call: CallResponse, request_id: Uuid) -> Response {
    let CallResponse { status, body, location, retry_after: _, monitor: _ } = call;
    let is_json = body.is_some();
    let mut response = response(status, body.map_or_else(Body::empty, Body::from), request_id);
    let headers = response.headers_mut();
    if is_json {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    }
    if let Some(Ok(location)) = location.map(HeaderValue::try_from) {
        headers.insert(LOCATION, location);
        // Without it, clients wait half a minute.
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Adds the headers that depend on the request: how many requests of its kind remain, and the version of the resource provider.
// assumption: nothing limits the requests, so that the numbers are those after the first request within Azure's limits.
pub(super) fn add_request_headers(response: &mut Response, method: &Method, path: &str) {
    let (name, remaining) = match *method {
        Method::GET | Method::HEAD => ("x-ms-ratelimit-remaining-subscription-reads", "11999"),
        Method::DELETE => ("x-ms-ratelimit-remaining-subscription-deletes", "14999"),
        _ => ("x-ms-ratelimit-remaining-subscription-writes", "1199"),
    };
    let path = path.to_ascii_lowercase();
    let is_refused = response.status() == StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    if path.starts_with("/subscriptions/") && !is_refused {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(remaining));
    }
    if path.contains("/providers/microsoft.keyvault/") {
        headers.insert(SERVICE_VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
    }
}

fn response(status: StatusCode, body: Body, request_id: Uuid) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in COMMON_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::try_from(request_id.to_string()) {
        headers.insert(REQUEST_ID, id.clone());
        headers.insert(CORRELATION_ID, id);
    }
    response
}

/// An error, with its members in Azure's order.
#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    #[serde(rename = "additionalInfo", skip_serializing_if = "Option::is_none")]
    additional_info: Option<Value>,
}

/// Returns the HTTP response to a refused or failed call.
pub(super) fn error_response(error: &Error, request_id: Uuid, endpoint: &Endpoint) -> Response {
    let (status, code, message) = status_code_and_message(error, endpoint);
    // An extension member of Azure Resource Manager's errors: the recorded message has no roles.
    let roles_that_grant = match error {
        Error::Forbidden { denied, roles, .. } => Some(json!([{
            "type": "RolesThatGrant",
            "info": {"action": denied.action(), "scope": denied.scope(), "roles": roles},
        }])),
        _ => None,
    };
    let body = ErrorBody { code, message: &message, additional_info: roles_that_grant };
    // Serializing text does not fail.
    let body = serde_json::to_vec(&BTreeMap::from([("error", body)])).unwrap_or_default();
    let mut response = response(status, Body::from(body), request_id);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if code == "ResourceNotFound" {
        headers.insert(FAILURE_CAUSE, HeaderValue::from_static("gateway"));
    }
    add_retry_after(headers, error);
    match error {
        Error::MethodNotAllowed { allowed } => {
            if let Ok(allowed) = HeaderValue::try_from(allowed) {
                headers.insert(ALLOW, allowed);
            }
        }
        Error::Unauthenticated { .. } => {
            let challenge = format!(
                r#"Bearer authorization_uri="{}", error="invalid_token", error_description="{message}""#,
                endpoint.authority
            );
            if let Ok(challenge) = HeaderValue::try_from(challenge) {
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
        }
        _ => {}
    }
    response
}

/// Returns status, code and message of an error, which for some errors differ from the data plane's.
fn status_code_and_message(error: &Error, endpoint: &Endpoint) -> (StatusCode, &'static str, String) {
    let status =
        StatusCode::from_u16(engine::http_status(error)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (code, message) = error::code_and_message(error, &endpoint.base);
    match error {
        Error::Invalid { field: Field::Vault, .. } => (status, "VaultNameNotValid", message),
        Error::Invalid { .. } | Error::LimitExceeded { .. } => (status, "BadRequest", message),
        // assumption: it is not recorded that Azure Resource Manager distinguishes the two.
        Error::Exists { resource: Resource { kind: ResourceKind::RoleAssignment, .. }, .. }
        | Error::RoleAssignmentMatches { .. } => {
            (StatusCode::CONFLICT, "RoleAssignmentExists", "The role assignment already exists.".to_owned())
        }
        Error::Unauthenticated { .. } => (
            status,
            "AuthenticationFailed",
            "Authentication failed: the request has no valid credential.".to_owned(),
        ),
        _ => (status, code, message),
    }
}
