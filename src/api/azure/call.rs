//! One call of a surface of Azure's: received, run by the engine as an operation, and shown.

use axum::body::Body;
use http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::super::intake::{Intake, Limits};
use super::super::peer;
use super::body;
use super::query::Query;
use crate::engine::{Engine, Gate};
use crate::identity::{Audience, Credential, Verified};
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
    caller: Result<Verified>,
    audience: Audience,
    origin: Origin,
}

impl<'a, S> Call<'a, S> {
    /// Takes a request; what goes beyond the limits is refused. `audience` is what a token must be meant for where
    /// no operation says so.
    pub(in crate::api) async fn receive(
        (engine, site): (&'a Engine, &'a S),
        (parts, body): (&'a Parts, Body),
        audience: Audience,
        request_id: Uuid,
        limits: Limits,
    ) -> Self {
        let query = Query::of(&parts.uri);
        let origin = Origin {
            address: peer::address(&parts.extensions),
            client_info: peer::client_info(&parts.headers),
            correlation_id: request_id,
            request_uri: parts.uri.path().to_owned(),
            operation_version: query.api_version().to_owned().into(),
        };
        let credential = peer::credential(&parts.headers, &parts.extensions);
        // Nothing of a body is kept before its sender is known.
        let caller = peer::authenticate(engine, (credential, &[audience]), &parts.extensions).await;
        let body = match &caller {
            Ok(_) => body::read(&parts.headers, body, parts.extensions.get::<Intake>(), limits.bytes).await,
            Err(unknown) => {
                body::discard(parts, body, limits.bytes).await;
                Err(unknown.clone())
            }
        };
        Self { engine, asked: Asked { site, query, body }, caller, audience, origin }
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
        let Self { engine, asked, caller, origin, .. } = self;
        let site = asked.site;
        let request = move || {
            asked.query.check(versioned)?;
            read(&asked)
        };
        let credential = caller.as_ref().map(Credential::Verified).map_err(Clone::clone);
        engine.answer(credential, origin, request, |reply| show(site, reply)).await
    }

    /// Records what is refused without an operation, once its sender is known, and says what they are told.
    pub(in crate::api) async fn refuse(self, error: Error) -> Error {
        let unknown = ("UnknownOperation", Meter::Free);
        let credential = self.caller.as_ref().map(Credential::Verified).map_err(Clone::clone);
        self.engine.refuse((credential, &[self.audience]), self.origin, unknown, error).await
    }
}
