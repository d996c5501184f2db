//! What somebody is told who is not known: where to get a token, and for what.

use axum::body::Body;
use axum::response::Response;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Method, StatusCode};

use super::answer::Stamp;
use super::site::Site;

/// The answer to a request without a credential that is believed. Clients take the header apart by its spaces and
/// quotes, so not a character of it may differ from what the service sends. The body of the answer to GET is the two
/// letters that were recorded; the others' is empty.
pub(super) fn response(stamp: &Stamp<'_>, site: &Site) -> Response {
    let body = if *stamp.method == Method::GET { Body::from("OK") } else { Body::empty() };
    let mut response = stamp.response(StatusCode::UNAUTHORIZED, body);
    let Site { authority, resource, .. } = site;
    let challenge = format!(r#"Bearer authorization="{authority}", resource="{resource}""#);
    if let Ok(value) = HeaderValue::try_from(challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
