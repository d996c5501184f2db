//! The challenge for unauthenticated clients: the authority and the resource of the required access token.

use axum::body::Body;
use axum::response::Response;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::endpoint::Endpoint;
use super::response::ResponseContext;

/// Returns the response of a managed HSM to a request without a valid credential. As recorded, the body is `OK` for GET and
/// empty otherwise.
pub(super) fn response(context: &ResponseContext<'_>, endpoint: &Endpoint) -> Response {
    let body = if *context.method == Method::GET { Body::from("OK") } else { Body::empty() };
    let mut response = context.response(StatusCode::UNAUTHORIZED, body);
    add(response.headers_mut(), endpoint);
    response
}

/// Adds the challenge. Clients split the header at spaces and quotes, so it must equal the service's character by character.
pub(super) fn add(headers: &mut HeaderMap, endpoint: &Endpoint) {
    let Endpoint { authority, resource, .. } = endpoint;
    let challenge = format!(r#"Bearer authorization="{authority}", resource="{resource}""#);
    if let Ok(value) = HeaderValue::try_from(challenge) {
        headers.insert(WWW_AUTHENTICATE, value);
    }
}
