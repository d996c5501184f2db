//! The challenge for unauthenticated clients: the authority and the resource of the required access token.

use axum::body::Body;
use axum::response::Response;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Method, StatusCode};

use super::endpoint::Endpoint;
use super::response::ResponseContext;

/// Returns the response to a request without a valid credential. Clients split the header at spaces and quotes, so it
/// must equal the service's character by character. As recorded, the body is `OK` for GET and empty otherwise.
pub(super) fn response(context: &ResponseContext<'_>, endpoint: &Endpoint) -> Response {
    let body = if *context.method == Method::GET { Body::from("OK") } else { Body::empty() };
    let mut response = context.response(StatusCode::UNAUTHORIZED, body);
    let Endpoint { authority, resource, .. } = endpoint;
    let challenge = format!(r#"Bearer authorization="{authority}", resource="{resource}""#);
    if let Ok(value) = HeaderValue::try_from(challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
