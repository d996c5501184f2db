//! Error responses in the format of Entra ID, which clients show and interpret.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, PRAGMA, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use jsonwebtoken::Algorithm;
use serde_json::json;
use uuid::Uuid;

use crate::identity::system_clock;
use crate::ids::Ids;
use crate::model::error::shorten;

/// A response extension with the OAuth 2.0 error code.
#[derive(Clone, Copy)]
pub(super) struct OAuthErrorCode(pub(super) &'static str);

/// An OAuth 2.0 error response of the token endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    status: StatusCode,
    /// The OAuth 2.0 error code (RFC 6749, section 5.2).
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
        Self::invalid_client(7_000_218, message)
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
        Self::invalid_client(7_000_215, message)
    }

    pub(super) fn unsupported_assertion_type(kind: &str) -> Self {
        // assumption: the response of Entra ID is not recorded.
        Self::invalid_request(
            90_023,
            format!(
                "The provided value for the input parameter 'client_assertion_type' is not valid: '{}'.",
                shorten(kind)
            ),
        )
    }

    fn invalid_client(number: u32, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", number, message)
    }

    pub(super) fn malformed_assertion() -> Self {
        Self::invalid_client(50_027, "JWT token is invalid or malformed.")
    }

    pub(super) fn unsupported_algorithm(algorithm: Algorithm) -> Self {
        let message = format!(
            "Invalid JWT token. '{algorithm:?}' is not a supported signature algorithm. Supported signing algorithms are: 'RS256,PS256'."
        );
        Self::invalid_client(5_002_738, message)
    }

    pub(super) fn no_thumbprint() -> Self {
        let message = "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor keyId specified in token header.";
        Self::invalid_client(5_002_723, message)
    }

    /// The certificate that an assertion names does not verify it.
    pub(super) fn unusable_key(client_id: Uuid, thumbprint: &str, why: UnusableKey) -> Self {
        let thumbprint = shorten(thumbprint);
        let found = |(from, until)| format!(", Found key 'Start={}, End={}'", date(from), date(until));
        let (reason, found) = match why {
            UnusableKey::NotFound => ("The key was not found.", String::new()),
            UnusableKey::Expired(from, until) => ("The key used is expired.", found((from, until))),
            UnusableKey::WrongSignature(from, until) => {
                ("Key was found, but use of the key to verify the signature failed.", found((from, until)))
            }
        };
        let message = match why {
            UnusableKey::NotFound => {
                "The certificate with identifier used to sign the client assertion is not registered on application."
            }
            _ => "Client assertion contains an invalid signature.",
        };
        let message = format!(
            "{message} [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}'{found}, Please see the configured keys for app Id '{client_id}']."
        );
        Self::invalid_client(700_027, message)
    }

    pub(super) fn assertion_of_another() -> Self {
        let message = "Client assertion application identifier doesn't match 'client_id' parameter.";
        Self::invalid_client(700_021, message)
    }

    pub(super) fn assertion_for_another_authority() -> Self {
        Self::invalid_client(700_023, "Client assertion audience claim does not match Realm issuer.")
    }

    pub(super) fn assertion_out_of_time(now: i64, from: i64, until: i64) -> Self {
        let message = format!(
            "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of assertion {}.",
            instant(now),
            instant(from),
            instant(until)
        );
        Self::invalid_client(700_024, message)
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

impl Refusal {
    /// Returns number and message, the beginning of Entra ID's `error_description`.
    pub(super) fn description(&self) -> String {
        format!("AADSTS{}: {}", self.number, self.message)
    }
}

/// Why a certificate does not verify an assertion; with its `notBefore` and `notAfter`, in Unix seconds.
#[derive(Clone, Copy)]
pub(super) enum UnusableKey {
    NotFound,
    Expired(i64, i64),
    WrongSignature(i64, i64),
}

/// Formats a time as Entra ID does for assertions; empty if out of range.
fn instant(seconds: i64) -> String {
    formatted(seconds, "%Y-%m-%dT%H:%M:%S.0000000Z")
}

/// Formats a time as Entra ID does for keys; empty if out of range.
fn date(seconds: i64) -> String {
    formatted(seconds, "%m/%d/%Y %H:%M:%S")
}

fn formatted(seconds: i64, format: &str) -> String {
    jiff::Timestamp::from_second(seconds)
        .map(|instant| instant.strftime(format).to_string())
        .unwrap_or_default()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (trace, correlation) = (Ids.guid(), Ids.guid());
        let now = i64::try_from(system_clock::unix_seconds()).unwrap_or_default();
        let timestamp = formatted(now, "%Y-%m-%d %H:%M:%SZ");
        let description = self.description();
        let Self { status, error, number, .. } = self;
        let body = json!({
            "error": error,
            "error_description": format!("{description} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"),
            "error_codes": [number],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
        });
        let mut response =
            (status, [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")], Json(body)).into_response();
        response.extensions_mut().insert(OAuthErrorCode(error));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6749, section 5.2.
            let challenge = axum::http::HeaderValue::from_static("Basic realm=\"token\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
