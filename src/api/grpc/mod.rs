//! The gRPC surface: `strongroom.v1`, after the API Improvement Proposals (<https://google.aip.dev>).

mod access;
mod clock;
mod codec;
mod convert;
mod crypto;
mod error;
mod keys;
pub mod pb;

use std::sync::Arc;

use tonic::{Request, Response, Status};
use uuid::Uuid;

pub use codec::Codec;

use crate::engine::{Engine, Gate};
use crate::identity::Credential;
use crate::ids::Ids;
use crate::jobs::Scheduler;
use crate::model::entry::Origin;
use crate::model::{Error, Result};
use crate::ops::{Operation, Target};

/// The certificate a client showed on its connection, already verified by TLS; DER.
#[derive(Clone, Debug)]
pub struct PeerCertificate(pub Arc<[u8]>);

/// The address a connection came from.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub std::net::SocketAddr);

/// The services of `strongroom.v1`, on an engine.
#[derive(Clone)]
pub struct Services {
    engine: Engine,
}

impl Services {
    /// The services on this engine.
    pub const fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// All services as routes, with health and reflection; requests larger than `limit` bytes are refused.
    /// The clock's service is there only with what does the work that comes due.
    ///
    /// # Errors
    /// Where the descriptors compiled into the program cannot be read.
    pub fn routes(
        &self,
        limit: usize,
        health: impl HealthService,
        clock: Option<Scheduler>,
    ) -> anyhow::Result<tonic::service::Routes> {
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(pb::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()?;
        let keys = pb::key_service_server::KeyServiceServer::new(self.clone());
        let crypto = pb::crypto_service_server::CryptoServiceServer::new(self.clone());
        let access = pb::access_service_server::AccessServiceServer::new(self.clone());
        let routes = tonic::service::Routes::new(keys.max_decoding_message_size(limit))
            .add_service(crypto.max_decoding_message_size(limit))
            .add_service(access.max_decoding_message_size(limit))
            .add_service(health)
            .add_service(reflection);
        Ok(match clock {
            None => routes,
            Some(scheduler) => {
                let clock = clock::ClockServices { services: self.clone(), scheduler };
                routes.add_service(pb::clock_service_server::ClockServiceServer::new(clock))
            }
        })
    }

    /// Sends one request through the engine: the message becomes the operation once its sender is
    /// known, the reply becomes a message.
    async fn answer<M, O, R>(&self, rpc: &'static str, request: Request<M>) -> Result<Response<R>, Status>
    where
        M: Send,
        O: Operation<Target: Target<Plane: Gate>> + TryFrom<M, Error = Error>,
        R: From<O::Reply>,
    {
        let (metadata, extensions, message) = request.into_parts();
        let (credential, origin) = called(rpc, &metadata, &extensions);
        let correlation_id = origin.correlation_id;
        let reply = self.engine.call::<O>(credential, origin, || O::try_from(message)).await;
        match reply {
            Ok(reply) => {
                let mut response = Response::new(R::from(reply));
                stamp(response.metadata_mut(), correlation_id);
                Ok(response)
            }
            Err(error) => {
                let mut status = error::status(&error);
                stamp(status.metadata_mut(), correlation_id);
                Err(status)
            }
        }
    }
}

/// The health service, however it is made.
pub trait HealthService:
    tower::Service<
        http::Request<tonic::body::Body>,
        Response = http::Response<tonic::body::Body>,
        Error = std::convert::Infallible,
        Future: Send + 'static,
    > + tonic::server::NamedService
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> HealthService for S where
    S: tower::Service<
            http::Request<tonic::body::Body>,
            Response = http::Response<tonic::body::Body>,
            Error = std::convert::Infallible,
            Future: Send + 'static,
        > + tonic::server::NamedService
        + Clone
        + Send
        + Sync
        + 'static
{
}

fn text<'a>(metadata: &'a tonic::metadata::MetadataMap, name: &str) -> Option<&'a str> {
    metadata.get(name).and_then(|value| value.to_str().ok())
}

/// Who called, with what credential, from where.
fn called<'a>(
    rpc: &'static str,
    metadata: &'a tonic::metadata::MetadataMap,
    extensions: &'a tonic::Extensions,
) -> (Result<Credential<'a>>, Origin) {
    let mut origin = Origin {
        address: extensions.get::<PeerAddress>().map(|peer| peer.0.ip()),
        client_info: text(metadata, "user-agent").unwrap_or_default().to_owned(),
        correlation_id: correlation_id(metadata),
        request_uri: rpc.to_owned(),
        operation_version: "v1",
    };
    origin.client_info.truncate(origin.client_info.floor_char_boundary(256));
    let certificate = extensions.get::<PeerCertificate>();
    let credential = Credential::presented(
        metadata.get("authorization").map(|value| value.as_encoded_bytes()),
        certificate.map(|certificate| &*certificate.0),
    );
    (credential, origin)
}

/// The caller's own correlation id, if it sent a GUID, or a new one.
fn correlation_id(metadata: &tonic::metadata::MetadataMap) -> Uuid {
    text(metadata, "x-correlation-id").and_then(|id| Uuid::parse_str(id).ok()).unwrap_or_else(|| Ids.guid())
}

fn stamp(metadata: &mut tonic::metadata::MetadataMap, correlation_id: Uuid) {
    let mut buffer = Uuid::encode_buffer();
    if let Ok(value) = correlation_id.hyphenated().encode_lower(&mut buffer).parse() {
        metadata.insert("x-correlation-id", value);
    }
}
