//! The Azure Resource Manager surface: the control plane of managed HSMs, for Microsoft's management clients and the az
//! command line.
//!
//! Operations that take the service minutes are complete before the response. They are still answered with 202 and the URL
//! of the operation result, as by the service.

mod call;
mod endpoint;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod response;
mod routes;
mod wire;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use uuid::Uuid;

use self::call::Call;
use self::endpoint::Endpoint;
use super::azure::query::Query;
use super::azure::response::CallResponse;
use super::azure::surface::Surface;
use super::azure::{HostNames, RouteLine};
use super::body_budget::BodyLimits;
use crate::engine::Engine;
use crate::identity::Audience;
use crate::ids::Ids;

/// Handles the requests for Azure Resource Manager. A cheap handle.
#[derive(Clone, Debug)]
pub struct ResourceManager(Arc<Surface>);

impl ResourceManager {
    /// Creates the surface of an engine. Requests that exceed `limits` are refused.
    pub fn new(engine: Engine, names: HostNames, limits: BodyLimits) -> Self {
        Self(Arc::new(Surface { engine, names, limits }))
    }

    /// Handles one request.
    pub async fn handle(&self, request: Request<Body>) -> Response {
        let id = Ids.guid();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let attempt = |request| self.attempt(id, request);
        let mut response = self.0.catch_panics(Audience::Management, id, request, attempt).await;
        response::add_request_headers(&mut response, &method, &path);
        response
    }

    async fn attempt(&self, request_id: Uuid, request: Request<Body>) -> Response {
        let Surface { engine, names, limits } = &*self.0;
        let (parts, body) = request.into_parts();
        let endpoint = Endpoint::of(names, &parts);
        if routes::is_cloud_metadata(&parts.method, parts.uri.path()) {
            let response =
                CallResponse::json(StatusCode::OK, &wire::cloud::metadata(&endpoint, &Query::of(&parts.uri)));
            return response.map_or_else(
                |error| response::error_response(&error, request_id, &endpoint),
                |response| response::success_response(response, request_id),
            );
        }
        let (target, request) = ((engine, &endpoint), (&parts, body));
        let call = Call::receive(target, request, Audience::Management, request_id, *limits).await;
        let result = match routes::find(&parts.method, parts.uri.path()) {
            Ok((route, arguments)) => route.run(call, arguments).await,
            Err(error) => Err(call.refuse(error).await),
        };
        match result {
            Ok(response) => response::success_response(response, request_id),
            Err(error) => response::error_response(&error, request_id, &endpoint),
        }
    }
}

/// Lists the routes of Azure Resource Manager that need a credential.
pub fn routes() -> impl Iterator<Item = &'static RouteLine> {
    routes::ROUTES.lines()
}
