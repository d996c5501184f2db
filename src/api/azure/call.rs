//! One call of a surface of Azure's: received, run by the engine as an operation, and shown.

use axum::body::Body;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::super::{PeerCertificate, peer};
use super::body::{self, Limits};
use super::query::Query;
use crate::engine::{Engine, Gate};
use crate::identity::{Audience, Credential};
use crate::model::entry::{Meter, Origin};
use crate::model::{Error, Result};
use crate::ops::{Operation, Target};

/// What is asked, as far as the route does not say it. `S` is what the host says.
pub(in crate::api) struct Asked<'a, S> {
    pub(in crate::api) site: &'a S,
    pub(in crate::api) query: Query,
    body: Result<Zeroizing<Vec<u8>>>,
}

impl<'a, S> Asked<'a, S> {
    /// What was sent, without a caller.
    #[cfg(fuzzing)]
    pub(in crate::api) fn sent(site: &'a S, query: Query, body: &[u8]) -> Self {
        Self { site, query, body: Ok(Zeroizing::new(body.to_vec())) }
    }

    /// The body, as JSON.
    ///
    /// # Errors
    /// `Invalid` for what is not a JSON object, or one with members of other types.
    pub(in crate::api) fn body<T: DeserializeOwned>(&self) -> Result<T> {
        body::parse(self.body.as_ref().map_err(Clone::clone)?)
    }
}

/// A request on its way to the engine.
pub(in crate::api) struct Call<'a, S> {
    engine: &'a Engine,
    asked: Asked<'a, S>,
    credential: Result<Credential<'a>>,
    origin: Origin,
}

impl<'a, S> Call<'a, S> {
    /// Takes a request; what goes beyond the limits is refused. `audience` is whom its credential must be
    /// meant for.
    pub(in crate::api) async fn receive(
        (engine, site): (&'a Engine, &'a S),
        (parts, body): (&'a Parts, Body),
        audience: Audience,
        request_id: Uuid,
        limits: Limits,
    ) -> Self {
        let query = Query::of(&parts.uri);
        // Clients begin with a request that shows no credential and has no body: whatever else comes from such
        // a caller is not even read.
        let is_stranger =
            !parts.headers.contains_key(AUTHORIZATION) && parts.extensions.get::<PeerCertificate>().is_none();
        let body = if is_stranger {
            Err(Error::Unauthenticated { why: "the request carries no credential" })
        } else {
            body::read(&parts.headers, body, limits).await
        };
        let origin = Origin {
            address: peer::address(&parts.extensions),
            client_info: peer::client_info(&parts.headers),
            correlation_id: request_id,
            request_uri: parts.uri.path().to_owned(),
            operation_version: query.api_version().to_owned().into(),
        };
        let credential = peer::credential(&parts.headers, &parts.extensions);
        let credential = match audience {
            Audience::Service => credential,
            Audience::Management => credential.map(Credential::for_management),
        };
        Self { engine, asked: Asked { site, query, body }, credential, origin }
    }

    /// The engine, to see what there is before it is asked for something.
    pub(in crate::api) const fn engine(&self) -> &'a Engine {
        self.engine
    }

    /// What is asked, to see what kind of request it is.
    pub(in crate::api) const fn asked(&self) -> &Asked<'a, S> {
        &self.asked
    }

    /// Sends the request through the engine, and shows the reply. It is read once its sender is known.
    /// `versioned` says that it must name the version of the interface.
    ///
    /// # Errors
    /// What the caller must be told.
    pub(in crate::api) async fn send<O, T>(
        self,
        versioned: bool,
        read: impl FnOnce(&Asked<'_, S>) -> Result<O> + Send,
        show: impl FnOnce(&S, O::Reply) -> T + Send,
    ) -> Result<T>
    where
        O: Operation<Target: Target<Plane: Gate>>,
        S: Sync,
    {
        let Self { engine, asked, credential, origin } = self;
        let site = asked.site;
        let request = move || {
            asked.query.check(versioned)?;
            read(&asked)
        };
        let reply = engine.call::<O>(credential, origin, request).await?;
        Ok(show(site, reply))
    }

    /// Records what is refused without an operation, once its sender is known, and says what they are told.
    pub(in crate::api) async fn refuse(self, error: Error) -> Error {
        let unknown = ("UnknownOperation", Meter::Free);
        self.engine.refuse(self.credential, self.origin, unknown, error).await
    }
}
