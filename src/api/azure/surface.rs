//! The state of an Azure surface, and the handling of panics.

use std::fmt;
use std::future::Future;

use axum::body::Body;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use uuid::Uuid;

use super::super::body_budget::BodyLimits;
use super::super::peer;
use super::super::refusal_context::RefusalContext;
use super::{HostNames, error};
use crate::engine;
use crate::engine::{Engine, catch_panics};
use crate::identity::Audience;
use crate::model::Error;
use crate::model::audit_entry::{CallSurface, Meter, Origin};

/// The engine behind a surface, with its host names and request limits.
pub(in crate::api) struct Surface {
    pub(in crate::api) engine: Engine,
    pub(in crate::api) names: HostNames,
    pub(in crate::api) limits: BodyLimits,
}

impl Surface {
    /// Handles a request. A panic outside the engine, while the route, the body or the response is processed, is recorded
    /// as a call of this caller, and answered as an internal error.
    pub(in crate::api) async fn catch_panics<F>(
        &self,
        audience: Audience,
        request_id: Uuid,
        request: Request<Body>,
        answer: impl FnOnce(Request<Body>) -> F + Send,
    ) -> Response
    where
        F: Future<Output = Response> + Send,
    {
        let (context, path) = (RefusalContext::of(&request), request.uri().path().to_owned());
        let error = match catch_panics("a request", async { Ok(answer(request).await) }).await {
            Ok(response) => return response,
            Err(panicked) => panicked,
        };
        let (headers, extensions) = context.parts();
        let origin = Origin {
            surface: call_surface(audience),
            address: peer::address(&extensions),
            client_info: peer::client_info(&headers),
            correlation_id: request_id,
            request_uri: path,
            operation_version: "".into(),
            ..Origin::default()
        };
        let credential = peer::credential(&headers, &extensions);
        let unknown = ("UnknownOperation", Meter::Free);
        let error = self.engine.refuse((credential, &[audience]), origin, unknown, error).await;
        failed(&error, request_id)
    }
}

/// Returns the surface whose credentials have this audience.
pub(in crate::api) const fn call_surface(audience: Audience) -> CallSurface {
    match audience {
        Audience::Management => CallSurface::ResourceManager,
        Audience::Service | Audience::Vault => CallSurface::Rest,
    }
}

/// Returns an error response that depends on the request's id only.
fn failed(error: &Error, request_id: Uuid) -> Response {
    let (code, message) = error::code_and_message(error, "");
    let body = serde_json::json!({"error": {"code": code, "message": message}});
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(engine::http_status(error)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    if let Ok(id) = HeaderValue::try_from(request_id.to_string()) {
        headers.insert(HeaderName::from_static("x-ms-request-id"), id);
    }
    response
}

impl fmt::Debug for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surface")
            .field("names", &self.names)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
