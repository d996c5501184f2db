//! The gRPC surface: `strongroom.v1`, designed by the API Improvement Proposals (<https://google.aip.dev>).

mod access;
mod authorization;
mod clock;
mod codec;
mod convert;
mod crypto;
mod error;
mod hsms;
mod keys;
mod lifecycle;
mod middleware;
pub mod pb;
mod reflection;
mod resources;
mod settings;
mod usage;
mod zeroizing;

use http::{Extensions, HeaderMap};
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::{Health, HealthServer};
use uuid::Uuid;

pub use codec::Codec;

use super::peer::{self, credential};
use crate::engine::{Engine, PlaneAccess};
use crate::ids::Ids;
use crate::jobs::Scheduler;
use crate::model::audit_entry::Origin;
use crate::model::{Error, Result};
use crate::ops::{Operation, Target};

/// The largest message to a service that needs no credential, in bytes.
const OPEN_LIMIT: usize = 16 * 1024;

/// The header with the correlation id of a call, in requests and responses.
const CORRELATION_ID: &str = "x-correlation-id";

/// The services of `strongroom.v1`, implemented by an engine.
#[derive(Clone)]
pub struct Services {
    engine: Engine,
    /// Cancelled when the service is about to stop, which ends streams.
    closing: CancellationToken,
}

impl Services {
    /// Creates the services. Streams that do not end by themselves end when `closing` is cancelled.
    pub const fn new(engine: Engine, closing: CancellationToken) -> Self {
        Self { engine, closing }
    }

    /// Returns routes for all services, with health and reflection. Messages larger than `limit` bytes are refused,
    /// before and after decompression. Responses are not compressed: the length of a compressed secret reveals
    /// information about it. `scheduler` runs due work when the clock is advanced.
    ///
    /// # Errors
    /// If the descriptors compiled into the program cannot be decoded.
    pub fn routes<H: Health>(
        &self,
        limit: usize,
        health: HealthServer<H>,
        scheduler: Scheduler,
    ) -> anyhow::Result<axum::Router> {
        /// Sets the compression and the message limit of a service.
        macro_rules! limited {
            ($service:expr, $limit:expr) => {
                $service.accept_compressed(CompressionEncoding::Gzip).max_decoding_message_size($limit)
            };
        }
        let reflection = reflection::builder()?.build_v1()?;
        let older_reflection = reflection::builder()?.build_v1alpha()?;
        let keys = pb::key_service_server::KeyServiceServer::new(self.clone());
        let crypto = pb::crypto_service_server::CryptoServiceServer::new(self.clone());
        let access = pb::access_service_server::AccessServiceServer::new(self.clone());
        let hsms = pb::managed_hsm_service_server::ManagedHsmServiceServer::new(self.clone());
        let authorization = pb::authorization_service_server::AuthorizationServiceServer::new(self.clone());
        let resources = pb::resource_service_server::ResourceServiceServer::new(self.clone());
        let settings = pb::setting_service_server::SettingServiceServer::new(self.clone());
        let usage = pb::usage_service_server::UsageServiceServer::new(self.clone());
        let lifecycle = pb::lifecycle_service_server::LifecycleServiceServer::new(self.clone());
        let clock = clock::ClockServices { services: self.clone(), scheduler };
        let clock = pb::clock_service_server::ClockServiceServer::new(clock);
        let routes = tonic::service::Routes::new(limited!(keys, limit))
            .add_service(limited!(crypto, limit))
            .add_service(limited!(access, limit))
            .add_service(limited!(hsms, limit))
            .add_service(limited!(authorization, limit))
            .add_service(limited!(resources, limit))
            .add_service(limited!(settings, limit))
            .add_service(limited!(usage, limit))
            .add_service(limited!(lifecycle, limit))
            .add_service(limited!(clock, limit))
            .add_service(limited!(health, OPEN_LIMIT))
            .add_service(limited!(reflection, OPEN_LIMIT))
            .add_service(limited!(older_reflection, OPEN_LIMIT));
        let layer = axum::middleware::from_fn_with_state((self.clone(), limit), middleware::authenticate);
        Ok(routes.prepare().into_axum_router().layer(layer))
    }

    /// The names of all routed services, and the empty name, which is the server as a whole in health checks.
    pub fn names() -> impl Iterator<Item = &'static str> {
        [
            "",
            pb::key_service_server::SERVICE_NAME,
            pb::crypto_service_server::SERVICE_NAME,
            pb::access_service_server::SERVICE_NAME,
            pb::managed_hsm_service_server::SERVICE_NAME,
            pb::authorization_service_server::SERVICE_NAME,
            pb::resource_service_server::SERVICE_NAME,
            pb::setting_service_server::SERVICE_NAME,
            pb::usage_service_server::SERVICE_NAME,
            pb::lifecycle_service_server::SERVICE_NAME,
            pb::clock_service_server::SERVICE_NAME,
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ]
        .into_iter()
    }

    /// Runs one request through the engine. The message is converted to the operation after the caller is
    /// authenticated.
    async fn answer<M, O, R>(&self, rpc: &'static str, request: Request<M>) -> Result<Response<R>, Status>
    where
        M: Send,
        O: Operation<Target: Target<Plane: PlaneAccess>> + TryFrom<M, Error = Error>,
        R: From<O::Reply>,
    {
        let (metadata, extensions, message) = request.into_parts();
        let headers = metadata.into_headers();
        let origin = origin(&headers, &extensions, rpc.to_owned());
        let correlation_id = origin.correlation_id;
        let credential = credential(&headers, &extensions);
        let reply = self.engine.answer(credential, origin, || O::try_from(message), R::from).await;
        match reply {
            Ok(reply) => {
                let mut response = Response::new(reply);
                set_correlation_id(response.metadata_mut(), correlation_id);
                Ok(response)
            }
            Err(error) => {
                let mut status = error::status(&error);
                set_correlation_id(status.metadata_mut(), correlation_id);
                Err(status)
            }
        }
    }
}

/// Returns the origin of a request, for its audit entry.
fn origin(headers: &HeaderMap, extensions: &Extensions, request_uri: String) -> Origin {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Origin {
        address: peer::address(extensions),
        client_info: peer::client_info(headers),
        // The client's id if it is a GUID, otherwise a new one.
        correlation_id: text(CORRELATION_ID)
            .and_then(|id| Uuid::parse_str(id).ok())
            .unwrap_or_else(|| Ids.guid()),
        request_uri,
        operation_version: "v1".into(),
    }
}

/// Sets the correlation id of a response.
fn set_correlation_id(metadata: &mut tonic::metadata::MetadataMap, correlation_id: Uuid) {
    let mut buffer = Uuid::encode_buffer();
    if let Ok(value) = correlation_id.hyphenated().encode_lower(&mut buffer).parse() {
        metadata.insert(CORRELATION_ID, value);
    }
}
