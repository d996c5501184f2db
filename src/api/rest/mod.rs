//! The REST surface: the data plane of Azure Key Vault Managed HSM, for Microsoft's clients.
//!
//! Bodies, status codes and messages are recorded from the service, or otherwise those of Key Vault's vaults.

mod call;
mod challenge;
mod endpoint;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod response;
mod routes;
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
use super::azure::surface::Surface;
use super::azure::{HostNames, RouteLine};
use super::body_budget::BodyLimits;
use super::peer;
use crate::engine::Engine;
use crate::identity::Audience;
use crate::ids::Ids;
use crate::model::Error;
use crate::ops::Operation as _;
use crate::ops::keys::RotateKey;

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
        let found = routes::find(&parts.method, parts.uri.path());
        // Recorded: rotating an absent key repeats the prefix of the message.
        let is_rotation = found.as_ref().is_ok_and(|(route, _)| route.runs(RotateKey::NAME));
        let result = match found {
            Ok((route, arguments)) => route.run(call, arguments).await,
            Err(error) => Err(call.refuse(error).await),
        };
        match result {
            Ok(response) => response::success_response(response, &context, &endpoint),
            Err(Error::Unauthenticated { .. }) => challenge::response(&context, &endpoint),
            Err(error) => response::error_response(&error, is_rotation, &context, &endpoint),
        }
    }
}

/// Lists the routes of the data plane.
pub fn routes() -> impl Iterator<Item = &'static RouteLine> {
    routes::ROUTES.lines()
}
