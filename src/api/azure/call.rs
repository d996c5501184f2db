//! One call on an Azure surface: receives the request, runs it as an operation, and converts the reply.

use axum::body::Body;
use http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::super::body_budget::{BodyLimits, BodyReservation};
use super::super::peer;
use super::arguments::Arguments;
use super::body;
use super::query::Query;
use super::surface::call_surface;
use crate::engine::{Engine, PlaneAccess};
use crate::identity::{Audience, Credential, VerifiedCredential};
use crate::model::audit_entry::{DecidingAssignment, Meter, Origin};
use crate::model::{Error, Field, Result};
use crate::ops::{Operation, Target};

/// The contents of a request besides its route. `S` is the endpoint that the client addressed.
pub(in crate::api) struct RequestInput<'a, S> {
    pub(in crate::api) endpoint: &'a S,
    pub(in crate::api) query: Query,
    /// The parts of the path that the route names.
    pub(in crate::api) arguments: Arguments<'a>,
    body: Result<Zeroizing<Vec<u8>>>,
}

impl<'a, S> RequestInput<'a, S> {
    /// Creates the contents of a request without a caller, for the fuzz targets.
    #[cfg(any(test, fuzzing))]
    pub(in crate::api) fn sent(endpoint: &'a S, query: Query, body: &[u8]) -> Self {
        let arguments = Arguments::default();
        Self { endpoint, query, arguments, body: Ok(Zeroizing::new(body.to_vec())) }
    }

    /// Returns a part of the path that the route names, as the client wrote it; empty if the route does not name it.
    pub(in crate::api) fn argument(&self, name: &str) -> &'a str {
        self.arguments.get(name).unwrap_or_default()
    }

    /// Returns the body as text, for documents that have a parser of their own.
    ///
    /// # Errors
    /// `Invalid` if it is not UTF-8.
    pub(in crate::api) fn text(&self) -> Result<&str> {
        let body = self.body.as_ref().map_err(Clone::clone)?;
        std::str::from_utf8(body).map_err(|_| Error::invalid(Field::Body, "this is not UTF-8"))
    }

    /// Parses the body as JSON.
    ///
    /// # Errors
    /// `Invalid` if the body is not a JSON object, or a member has the wrong type.
    pub(in crate::api) fn body<T: DeserializeOwned>(&self) -> Result<T> {
        body::parse(self.body.as_ref().map_err(Clone::clone)?)
    }
}

/// A received request, with the outcome of its authentication.
pub(in crate::api) struct Call<'a, S> {
    engine: &'a Engine,
    input: RequestInput<'a, S>,
    caller: Result<VerifiedCredential>,
    audience: Audience,
    origin: Origin,
}

impl<'a, S> Call<'a, S> {
    /// Authenticates a request, then reads its body within `limits`. `audience` is the audience for which an access
    /// token must be issued.
    pub(in crate::api) async fn receive(
        (engine, endpoint): (&'a Engine, &'a S),
        (parts, body): (&'a Parts, Body),
        audience: Audience,
        request_id: Uuid,
        limits: BodyLimits,
    ) -> Self {
        let query = Query::of(&parts.uri);
        let origin = Origin {
            surface: call_surface(audience),
            address: peer::address(&parts.extensions),
            client_info: peer::client_info(&parts.headers),
            correlation_id: request_id,
            request_uri: parts.uri.path().to_owned(),
            operation_version: query.api_version().to_owned().into(),
            ..Origin::default()
        };
        let credential = peer::credential(&parts.headers, &parts.extensions);
        // The body is not buffered before the caller is authenticated.
        let caller = peer::authenticate(engine, (credential, &[audience]), &parts.extensions).await;
        let body = match &caller {
            Ok(_) => {
                body::read(&parts.headers, body, parts.extensions.get::<BodyReservation>(), limits.max_bytes)
                    .await
            }
            Err(unauthenticated) => {
                body::discard(parts, body, limits.max_bytes).await;
                Err(unauthenticated.clone())
            }
        };
        Self {
            engine,
            input: RequestInput { endpoint, query, arguments: Arguments::default(), body },
            caller,
            audience,
            origin,
        }
    }

    /// Adds the parts of the path that the route names.
    pub(in crate::api) fn with_arguments(self, arguments: Arguments<'a>) -> Self {
        Self { input: RequestInput { arguments, ..self.input }, ..self }
    }

    /// Returns where the engine reports the role assignment that authorizes the call.
    pub(in crate::api) fn deciding_assignment(&self) -> DecidingAssignment {
        self.origin.deciding_assignment.clone()
    }

    /// Returns the engine, for lookups before an operation is chosen.
    pub(in crate::api) const fn engine(&self) -> &'a Engine {
        self.engine
    }

    /// Returns the contents of the request, to choose the operation.
    pub(in crate::api) const fn input(&self) -> &RequestInput<'a, S> {
        &self.input
    }

    /// Runs the request through the engine, and converts the reply with `show`. `read` parses the operation once the
    /// caller is authenticated. With `versioned`, the request must have an `api-version`.
    ///
    /// # Errors
    /// The error to return to the client.
    pub(in crate::api) async fn send<O, T>(
        self,
        versioned: bool,
        read: impl FnOnce(&RequestInput<'_, S>) -> Result<O> + Send,
        show: impl FnOnce(&S, O::Reply) -> T + Send,
    ) -> Result<T>
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
        S: Sync,
    {
        self.send_part(versioned, read, show).await
    }

    /// Runs one of several operations of a request, like [`Self::send`]. Each is authorized and audited.
    ///
    /// # Errors
    /// The error to return to the client.
    pub(in crate::api) async fn send_part<O, T>(
        &self,
        versioned: bool,
        read: impl FnOnce(&RequestInput<'_, S>) -> Result<O> + Send,
        show: impl FnOnce(&S, O::Reply) -> T + Send,
    ) -> Result<T>
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
        S: Sync,
    {
        let Self { engine, input, caller, origin, .. } = self;
        let endpoint = input.endpoint;
        let request = || {
            input.query.check_api_version(versioned)?;
            read(input)
        };
        let credential = caller.as_ref().map(Credential::Verified).map_err(Clone::clone);
        engine.answer(credential, origin.clone(), request, |reply| show(endpoint, reply)).await
    }

    /// Records the refusal of a request that has no operation, and returns the error for the client.
    pub(in crate::api) async fn refuse(self, error: Error) -> Error {
        let unknown = ("UnknownOperation", Meter::Free);
        let credential = self.caller.as_ref().map(Credential::Verified).map_err(Clone::clone);
        self.engine.refuse((credential, &[self.audience]), self.origin, unknown, error).await
    }
}
