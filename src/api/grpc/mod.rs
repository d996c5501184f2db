//! The gRPC surface: `strongroom.v1`, designed by the API Improvement Proposals (<https://google.aip.dev>).

mod audit;
mod backup;
mod clock;
mod codec;
mod convert;
mod deadline;
mod error;
mod lifecycle;
mod middleware;
pub mod pb;
mod pipeline;
mod reflection;
mod services;
mod streamed_calls;
mod web;

use http::{Extensions, HeaderMap};
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::{Health, HealthServer};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

pub use codec::Codec;
use deadline::Deadline;
pub use web::{is_grpc_web, web_routes};

use super::peer::{self, credential};
use crate::engine::{Engine, PlaneAccess};
use crate::ids::Ids;
use crate::jobs::Scheduler;
use crate::model::audit_entry::{CallSurface, Origin};
use crate::model::{Error, Result};
use crate::ops::{Operation, Target};

/// The largest message to a service that needs no credential, in bytes.
const OPEN_LIMIT: usize = 16 * 1024;

/// The header with the correlation id of a call, in requests and responses.
const CORRELATION_ID: &str = "x-correlation-id";

/// Sets the compression and the message limit of a service.
macro_rules! limited {
    ($service:expr, $limit:expr) => {
        $service.accept_compressed(CompressionEncoding::Gzip).max_decoding_message_size($limit)
    };
}
use limited;

/// The services of `strongroom.v1`, implemented by an engine.
#[derive(Clone)]
pub struct Services {
    engine: Engine,
    /// Runs due work when the clock is advanced.
    scheduler: Scheduler,
    /// Cancelled when the service is about to stop, which ends streams.
    closing: CancellationToken,
}

impl Services {
    /// Creates the services. `scheduler` runs due work when the clock is advanced. Streams that do not end by themselves
    /// end when `closing` is cancelled.
    pub const fn new(engine: Engine, scheduler: Scheduler, closing: CancellationToken) -> Self {
        Self { engine, scheduler, closing }
    }

    /// Returns routes for all services, with health and reflection. Messages larger than `limit` bytes are refused,
    /// before and after decompression. Responses are not compressed: the length of a compressed secret reveals
    /// information about it.
    ///
    /// # Errors
    /// If the descriptors compiled into the program cannot be decoded.
    pub fn routes<H: Health>(&self, limit: usize, health: HealthServer<H>) -> anyhow::Result<axum::Router> {
        let reflection = reflection::builder()?.build_v1()?;
        let older_reflection = reflection::builder()?.build_v1alpha()?;
        let routes = services::add_to(Routes::default(), self, limit)
            .add_service(limited!(health, OPEN_LIMIT))
            .add_service(limited!(reflection, OPEN_LIMIT))
            .add_service(limited!(older_reflection, OPEN_LIMIT));
        let layer = axum::middleware::from_fn_with_state((self.clone(), limit), middleware::authenticate);
        Ok(routes.prepare().into_axum_router().layer(layer))
    }

    /// The names of all routed services, and the empty name, which is the server as a whole in health checks.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let open = [
            tonic_health::pb::health_server::SERVICE_NAME,
            tonic_reflection::pb::v1::server_reflection_server::SERVICE_NAME,
            tonic_reflection::pb::v1alpha::server_reflection_server::SERVICE_NAME,
        ];
        std::iter::once("").chain(services::NAMES.iter().copied()).chain(open)
    }

    /// Runs one request through the engine. The message is converted to the operation after the caller is
    /// authenticated.
    async fn answer<M, O, R>(&self, rpc: &'static str, request: Request<M>) -> Result<Response<R>, Status>
    where
        M: Send,
        O: Operation<Target: Target<Plane: PlaneAccess>> + TryFrom<M, Error = Error>,
        R: From<O::Reply>,
    {
        self.run(rpc, request, O::try_from).await
    }

    /// Like [`answer`](Self::answer), for messages with secrets: they are zeroized even if the message is dropped before
    /// it is converted, because the caller is refused.
    async fn answer_zeroizing<M, O, R>(
        &self,
        rpc: &'static str,
        request: Request<M>,
    ) -> Result<Response<R>, Status>
    where
        M: Default + Send + Zeroize,
        O: Operation<Target: Target<Plane: PlaneAccess>> + TryFrom<M, Error = Error>,
        R: From<O::Reply>,
    {
        let parse = |mut message: Zeroizing<M>| O::try_from(std::mem::take(&mut *message));
        self.run(rpc, request.map(Zeroizing::new), parse).await
    }

    async fn run<M, O, R>(
        &self,
        rpc: &'static str,
        request: Request<M>,
        parse: impl FnOnce(M) -> Result<O> + Send,
    ) -> Result<Response<R>, Status>
    where
        M: Send,
        O: Operation<Target: Target<Plane: PlaneAccess>>,
        R: From<O::Reply>,
    {
        let (metadata, extensions, message) = request.into_parts();
        let headers = metadata.into_headers();
        let origin = origin(&headers, &extensions, rpc.to_owned());
        let correlation_id = origin.correlation_id;
        let credential = credential(&headers, &extensions);
        let reply = self.engine.answer(credential, origin, || parse(message), R::from).await;
        response(reply, correlation_id)
    }
}

/// Returns the origin of a request, for its audit entry.
fn origin(headers: &HeaderMap, extensions: &Extensions, request_uri: String) -> Origin {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Origin {
        surface: CallSurface::Grpc,
        address: peer::address(extensions),
        client_info: peer::client_info(headers),
        // The client's id if it is a GUID, otherwise a new one.
        correlation_id: text(CORRELATION_ID)
            .and_then(|id| Uuid::parse_str(id).ok())
            .unwrap_or_else(|| Ids.guid()),
        request_uri,
        operation_version: "v1".into(),
        deadline: extensions.get().map(|Deadline(deadline)| *deadline),
        ..Origin::default()
    }
}

/// Returns the response with a reply, or the status of an error; both with the correlation id of the call.
fn response<R>(reply: Result<R>, correlation_id: Uuid) -> Result<Response<R>, Status> {
    let mut response = Response::new(reply.map_err(|error| refusal(&error, correlation_id))?);
    set_correlation_id(response.metadata_mut(), correlation_id);
    Ok(response)
}

/// Returns the status of an error, with the correlation id of the call.
fn refusal(error: &Error, correlation_id: Uuid) -> Status {
    let mut status = error::status(error);
    set_correlation_id(status.metadata_mut(), correlation_id);
    status
}

/// Sets the correlation id of a response.
fn set_correlation_id(metadata: &mut tonic::metadata::MetadataMap, correlation_id: Uuid) {
    let mut buffer = Uuid::encode_buffer();
    if let Ok(value) = correlation_id.hyphenated().encode_lower(&mut buffer).parse() {
        metadata.insert(CORRELATION_ID, value);
    }
}
