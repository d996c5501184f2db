//! Error responses in the format of Microsoft Graph.

use axum::Json;
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::ids::Ids;
use crate::model::error::shorten;

/// An error response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(super) fn unauthenticated(message: &str) -> Self {
        let (status, code) = (StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken");
        Self { status, code, message: message.to_owned() }
    }

    pub(super) fn no_such_object(id: &str) -> Self {
        let message = format!(
            "Resource '{}' does not exist or one of its queried reference-property objects are not present.",
            shorten(id)
        );
        Self { status: StatusCode::NOT_FOUND, code: "Request_ResourceNotFound", message }
    }

    pub(super) fn not_implemented(path: &str) -> Self {
        let message = format!("The feature \"{}\" of Microsoft Graph is not available yet", shorten(path));
        Self { status: StatusCode::NOT_IMPLEMENTED, code: "NotSupported", message }
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let request = Ids.guid();
        let body = json!({"error": {
            "code": self.code,
            "message": self.message,
            "innerError": { "request-id": request, "client-request-id": request },
        }});
        let mut response = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
