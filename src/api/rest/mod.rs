//! The REST surface: the data plane of Azure Key Vault Managed HSM, as Microsoft's clients call it.
//!
//! Shapes, status codes and texts are those recorded from the service; where nothing is recorded, those of Key Vault.

mod answer;
mod body;
mod call;
mod challenge;
mod error;
mod query;
mod route;
mod site;
mod wire;

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use http::header::AUTHORIZATION;

pub use site::{Authorities, Names};

use self::answer::Stamp;
use self::call::{Asked, Call};
use self::query::Query;
use self::route::Route;
use super::peer;
use crate::engine::Engine;
use crate::ids::Ids;
use crate::model::Error;
use crate::model::entry::Origin;

/// Answers the requests of data planes. A cheap handle.
#[derive(Clone, Debug)]
pub struct Rest(Arc<Inner>);

struct Inner {
    engine: Engine,
    names: Names,
    /// Bytes of the largest request body.
    limit: usize,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rest").field("names", &self.names).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Rest {
    /// The surface on this engine; request bodies larger than `limit` bytes are refused.
    pub fn new(engine: Engine, names: Names, limit: usize) -> Self {
        Self(Arc::new(Inner { engine, names, limit }))
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        let Inner { engine, names, limit } = &*self.0;
        let (parts, body) = request.into_parts();
        let request_id = Ids.guid();
        let site = names.site(&parts, |hsm| engine.managed_hsm(hsm));
        let stamp = Stamp {
            started: Instant::now(),
            request_id,
            peer: peer::address(&parts.extensions),
            method: &parts.method,
        };
        let query = Query::of(&parts.uri);
        let credential = peer::credential(&parts.headers, &parts.extensions);
        // Clients begin with a request that shows no credential and has no body: whatever else comes from such
        // a caller is not even read.
        let is_stranger = !parts.headers.contains_key(AUTHORIZATION)
            && parts.extensions.get::<super::PeerCertificate>().is_none();
        let body = if is_stranger {
            Err(Error::Unauthenticated { why: "the request carries no credential" })
        } else {
            body::read(&parts.headers, body, *limit).await
        };
        let origin = Origin {
            address: stamp.peer,
            client_info: peer::client_info(&parts.headers),
            correlation_id: request_id,
            request_uri: parts.uri.path().to_owned(),
            operation_version: query.api_version().to_owned().into(),
        };
        let asked = Asked { site: &site, query, body };
        let call = Call { engine, asked, credential, origin };
        let route = Route::of(&parts.method, parts.uri.path());
        match call.answer(route).await {
            Ok(done) => answer::done(done, &stamp, &site),
            Err(Error::Unauthenticated { .. }) => challenge::response(&stamp, &site),
            Err(error) => answer::refused(&error, route, &stamp, &site),
        }
    }
}
