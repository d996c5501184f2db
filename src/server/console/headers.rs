//! The security headers of the web console.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderValue;
use http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, InvalidHeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

/// The Content-Security-Policy without the sources of `connect-src`: scripts and styles are the files of the console, and
/// no other page may contain it (<https://www.w3.org/TR/CSP3/>).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; connect-src 'self'";

/// Windows of other origins get no reference to the console (<https://html.spec.whatwg.org/#cross-origin-opener-policies>).
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
/// Pages of other origins cannot load its files (<https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header>).
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The headers of every response of the console.
pub(super) struct SecurityHeaders([(HeaderName, HeaderValue); 5]);

impl SecurityHeaders {
    /// Creates the headers of a console that connects to these origins besides its own.
    ///
    /// # Errors
    /// If an origin cannot be in a header.
    pub(super) fn new(connect_origins: &[String]) -> Result<Self, InvalidHeaderValue> {
        let sources: String = connect_origins.iter().map(|origin| format!(" {origin}")).collect();
        let same_origin = HeaderValue::from_static("same-origin");
        Ok(Self([
            (CONTENT_SECURITY_POLICY, HeaderValue::try_from(format!("{POLICY}{sources}"))?),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (OPENER_POLICY, same_origin.clone()),
            (RESOURCE_POLICY, same_origin),
        ]))
    }
}

/// Middleware that sets the headers.
pub(super) async fn set(State(headers): State<Arc<SecurityHeaders>>, mut response: Response) -> Response {
    response.headers_mut().extend(headers.0.iter().cloned());
    response
}
