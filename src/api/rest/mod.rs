//! The REST surface: the data planes of Azure Key Vault's managed HSMs and vaults, for Microsoft's clients.
//!
//! Bodies, status codes and messages are recorded from the service. Where nothing is recorded from a managed HSM, they are
//! those of vaults.

mod call;
mod challenge;
mod endpoint;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzing;
mod response;
mod routes;
mod vault_response;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use uuid::Uuid;

use self::call::Call;
use self::endpoint::{Endpoint, Found};
use self::response::ResponseContext;
use super::azure::surface::Surface;
use super::azure::{HostNames, RouteLine};
use super::body_budget::BodyLimits;
use super::peer;
use crate::engine::Engine;
use crate::identity::{Audience, Credential};
use crate::ids::Ids;
use crate::model::Error;
use crate::model::audit_entry::DecidingAssignment;
use crate::model::container_id::{ContainerId, ContainerKind};
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
        let (parts, body) = request.into_parts();
        let audience = Audience::of_data_plane(self.0.names.kind_of(&parts));
        let request = Request::from_parts(parts, body);
        self.0.catch_panics(audience, id, request, |request| self.attempt(id, request)).await
    }

    async fn attempt(&self, request_id: Uuid, request: Request<Body>) -> Response {
        let Surface { engine, names, limits } = &*self.0;
        let (parts, body) = request.into_parts();
        let endpoint = Endpoint::of(names, &parts, |id| find(engine, id));
        let mut context = ResponseContext {
            started: Instant::now(),
            request_id,
            peer: peer::address(&parts.extensions),
            method: &parts.method,
            headers: &parts.headers,
            has_credential: !matches!(
                peer::credential(&parts.headers, &parts.extensions),
                Ok(Credential::None)
            ),
            deciding_assignment: DecidingAssignment::default(),
        };
        let (target, request) = ((engine, &endpoint), (&parts, body));
        let audience = Audience::of_data_plane(endpoint.kind);
        let call = Call::receive(target, request, audience, request_id, *limits).await;
        context.deciding_assignment = call.deciding_assignment();
        let found = match &endpoint.container {
            // Nothing can be requested at this host.
            Err(error) if endpoint.kind == ContainerKind::Vault => Err(error.clone()),
            _ => routes::find(endpoint.kind, &parts.method, parts.uri.path()),
        };
        // Recorded: rotating an absent key repeats the prefix of the message.
        let is_rotation = found.as_ref().is_ok_and(|(route, _)| route.runs(RotateKey::NAME));
        let result = match found {
            Ok((route, arguments)) => route.run(call, arguments).await,
            Err(error) => Err(call.refuse(error).await),
        };
        match (endpoint.kind, result) {
            (ContainerKind::ManagedHsm, Ok(response)) => {
                response::success_response(response, &context, &endpoint)
            }
            (ContainerKind::ManagedHsm, Err(Error::Unauthenticated { .. })) => {
                challenge::response(&context, &endpoint)
            }
            (ContainerKind::ManagedHsm, Err(error)) => {
                response::error_response(&error, is_rotation, &context, &endpoint)
            }
            (ContainerKind::Vault, Ok(response)) => {
                vault_response::success_response(response, &context, &endpoint)
            }
            (ContainerKind::Vault, Err(error @ Error::Unauthenticated { .. })) => {
                vault_response::challenge(&error, &context, &endpoint)
            }
            (ContainerKind::Vault, Err(error)) => vault_response::error_response(&error, &context, &endpoint),
        }
    }
}

/// Returns what responses depend on, of a managed HSM that exists or a vault that is live: a soft-deleted vault is treated
/// like an absent one.
fn find(engine: &Engine, id: &ContainerId) -> Option<Found> {
    match id {
        ContainerId::ManagedHsm(name) => {
            let hsm = engine.managed_hsm(name)?;
            Some(Found { tenant: hsm.tenant, location: hsm.location.clone() })
        }
        ContainerId::Vault(_) => {
            let vault = engine.vault(id.vault()?).filter(|vault| vault.deletion.is_none())?;
            Some(Found { tenant: vault.tenant, location: vault.location.clone() })
        }
    }
}

/// Lists the routes of the data planes of this kind of container.
pub fn routes(kind: ContainerKind) -> impl Iterator<Item = &'static RouteLine> {
    routes::table(kind).lines()
}
