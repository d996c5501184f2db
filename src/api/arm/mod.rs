//! Azure Resource Manager, as far as managed HSMs need it: the control plane in the shapes that Microsoft's management
//! clients and the az command line read.
//!
//! What the service does in minutes is done here before the answer; clients are told to ask for the outcome all the same,
//! as they are by the service.

mod answer;
mod call;
#[cfg(fuzzing)]
pub(super) mod fuzzing;
mod route;
mod site;
mod wire;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use uuid::Uuid;

use self::answer::Answer;
use self::call::Call;
use self::route::Route;
use self::site::Site;
use super::azure::Names;
use super::azure::path::normal;
use super::azure::query::Query;
use super::azure::surface::Surface;
use super::intake::Limits;
use crate::engine::Engine;
use crate::identity::Audience;
use crate::ids::Ids;

/// Answers the requests of Azure Resource Manager's clients. A cheap handle.
#[derive(Clone, Debug)]
pub struct ResourceManager(Arc<Surface>);

impl ResourceManager {
    /// The surface on this engine; requests that go beyond the limits are refused.
    pub fn new(engine: Engine, names: Names, limits: Limits) -> Self {
        Self(Arc::new(Surface { engine, names, limits }))
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        let id = Ids.guid();
        self.0.guarded(Audience::Management, id, request, |request| self.attempt(id, request)).await
    }

    async fn attempt(&self, request_id: Uuid, request: Request<Body>) -> Response {
        let Surface { engine, names, limits } = &*self.0;
        let (parts, body) = request.into_parts();
        let site = Site::of(names, &parts);
        let path = normal(parts.uri.path());
        let route = Route::of(&parts.method, &path);
        if route == Route::CloudMetadata {
            let answer = Answer::json(StatusCode::OK, &wire::cloud::metadata(&site, &Query::of(&parts.uri)));
            return answer.map_or_else(
                |error| answer::refused(&error, request_id, &site),
                |answer| answer.into_response(request_id),
            );
        }
        let (place, request) = ((engine, &site), (&parts, body));
        let call = Call::receive(place, request, Audience::Management, request_id, *limits).await;
        match call.answer(route).await {
            Ok(answer) => answer.into_response(request_id),
            Err(error) => answer::refused(&error, request_id, &site),
        }
    }
}
