//! The REST surface: the data plane of Azure Key Vault Managed HSM, for Microsoft's clients.
//!
//! Bodies, status codes and messages are recorded from the service, or otherwise those of Key Vault's vaults.

mod call;
mod challenge;
mod endpoint;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod response;
mod route;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use uuid::Uuid;

use self::call::Call;
use self::endpoint::Endpoint;
use self::response::ResponseContext;
use self::route::Route;
use super::azure::HostNames;
use super::azure::surface::Surface;
use super::body_budget::BodyLimits;
use super::peer;
use crate::engine::Engine;
use crate::identity::Audience;
use crate::ids::Ids;
use crate::model::Error;

/// Handles data-plane requests. A cheap handle.
#[derive(Clone, Debug)]
pub struct Rest(Arc<Surface>);

impl Rest {
    /// Creates the surface of an engine. Requests that exceed `limits` are refused.
    pub fn new(engine: Engine, names: HostNames, limits: BodyLimits) -> Self {
        Self(Arc::new(Surface { engine, names, limits }))
    }

    /// Handles one request.
    pub async fn handle(&self, request: Request<Body>) -> Response {
        let id = Ids.guid();
        self.0.catch_panics(Audience::Service, id, request, |request| self.attempt(id, request)).await
    }

    async fn attempt(&self, request_id: Uuid, request: Request<Body>) -> Response {
        let Surface { engine, names, limits } = &*self.0;
        let (parts, body) = request.into_parts();
        let endpoint = Endpoint::of(names, &parts, |hsm| engine.managed_hsm(hsm));
        let context = ResponseContext {
            started: Instant::now(),
            request_id,
            peer: peer::address(&parts.extensions),
            method: &parts.method,
        };
        let (target, request) = ((engine, &endpoint), (&parts, body));
        let call = Call::receive(target, request, Audience::Service, request_id, *limits).await;
        let route = Route::of(&parts.method, parts.uri.path());
        match call.dispatch(route).await {
            Ok(response) => response::success_response(response, &context, &endpoint),
            Err(Error::Unauthenticated { .. }) => challenge::response(&context, &endpoint),
            Err(error) => response::error_response(&error, route, &context, &endpoint),
        }
    }
}
