//! Routes HTTP requests to the surfaces of the service.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use hyper::body::{Body as _, Incoming};
use tonic_health::pb::health_server::{Health, HealthServer};
use tower::ServiceExt as _;
use tracing::Instrument as _;

use super::console;
use super::opening::Service;
use super::probes::{self, Probes};
use super::traces;
use super::unread_body::discard_rest;
use crate::api::arm::ResourceManager;
use crate::api::grpc::{self, Services};
use crate::api::rest::Rest;
use crate::api::{BodyBudget, BodyLimits, PeerAddress, normalize_path, retry_after_seconds};
use crate::audit;
use crate::config::{Config, GRAPH_HOST};
use crate::jobs::Scheduler;
use crate::model::Error;

/// The path of the certificate of the simulator's certificate authority.
const CA: &str = "/ca.pem";

/// Routes requests: gRPC by content type, others by host. Requests to unknown hosts go to the data plane.
#[derive(Clone)]
pub(super) struct RequestRouter {
    grpc: Router,
    grpc_web: Router,
    authority: Option<Router>,
    common: Router,
    console: Option<Router>,
    resource_manager: ResourceManager,
    rest: Rest,
    budget: BodyBudget,
    limits: BodyLimits,
    authority_hosts: Arc<[String]>,
    management_hosts: Arc<[String]>,
    console_hosts: Arc<[String]>,
}

impl RequestRouter {
    /// Creates the routes of an opened service. Streams end when the probes report that it is closing.
    ///
    /// # Errors
    /// If the gRPC descriptors are invalid.
    pub(super) fn new<H: Health>(
        service: &Service,
        config: &Config,
        (health, probes): (HealthServer<H>, Probes),
        scheduler: &Scheduler,
    ) -> anyhow::Result<Self> {
        let limit = config.server.max_request_bytes;
        let limits =
            BodyLimits { max_bytes: limit, timeout: Duration::from_secs(config.server.request_seconds) };
        let grpc = Services::new(service.engine.clone(), scheduler.clone(), probes.closing.clone())
            .routes(limit, health)?;
        let ca = service.ca_file.clone().map(Arc::new);
        let common = Router::new().route(CA, get(ca_pem)).with_state(ca).merge(probes.routes());
        let names = &config.names;
        Ok(Self {
            grpc_web: grpc::web_routes(grpc.clone()),
            grpc,
            authority: service.authority_routes.clone(),
            common,
            console: service.console_routes.clone(),
            resource_manager: ResourceManager::new(service.engine.clone(), service.names.clone(), limits),
            rest: Rest::new(service.engine.clone(), service.names.clone(), limits),
            budget: BodyBudget::new(config.connections.max_buffered_bytes),
            limits,
            authority_hosts: names.authority.iter().cloned().chain([GRAPH_HOST.to_owned()]).collect(),
            management_hosts: names.management.clone().into(),
            console_hosts: names.console.clone().into(),
        })
    }

    /// Handles one request.
    pub(super) async fn answer(self, request: Request<Incoming>) -> Result<Response, Infallible> {
        let is_head = request.method() == Method::HEAD;
        let span = traces::request_span(request.method(), request.uri(), request.headers());
        let response = self.route(request).instrument(span.clone()).await?;
        traces::record_status(&span, response.status());
        Ok(if is_head { without_body(response) } else { response })
    }

    async fn route(self, request: Request<Incoming>) -> Result<Response, Infallible> {
        let intake = self.budget.reservation(self.limits);
        let request = discard_rest(normalize_path(request));
        let mut request = request.map(|body| Body::new(intake.wrap(body)));
        request.extensions_mut().insert(intake.clone());
        let router = if let Some(kind) = grpc_content_type(&request) {
            let router = if grpc::is_grpc_web(kind) { self.grpc_web } else { self.grpc };
            return router.oneshot(request).await;
        } else if is_for(&request, &self.authority_hosts) {
            insert_peer(&mut request);
            self.authority.unwrap_or(self.common)
        } else if needs_no_credential(request.uri().path()) {
            self.common
        } else if let Some(console) = self.console
            && (console::is_own_path(request.uri().path()) || is_for(&request, &self.console_hosts))
        {
            insert_peer(&mut request);
            console
        } else if is_for(&request, &self.management_hosts) {
            return Ok(self.resource_manager.handle(request).await);
        } else {
            return Ok(self.rest.handle(request).await);
        };
        let response = router.oneshot(request).await;
        // These routers do not report themselves why a body was not read completely.
        intake.body_error().map_or(response, |why| Ok(unread_body_error(why)))
    }
}

/// Removes the body of a response to `HEAD`, and keeps its length (RFC 9110, 9.3.2). Hyper does so on HTTP/1.1; on HTTP/2 a
/// body is a protocol error.
fn without_body(mut response: Response) -> Response {
    if let Some(length) = response.body().size_hint().exact().filter(|length| *length > 0) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    response.map(|_| Body::empty())
}

fn unread_body_error(why: &Error) -> Response {
    let status = StatusCode::from_u16(audit::http_status(why)).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let retry = retry_after_seconds(why).map(|seconds| [(RETRY_AFTER, seconds)]);
    (status, retry, format!("{why}\n")).into_response()
}

/// Returns the content type of a request of gRPC or gRPC-Web.
fn grpc_content_type(request: &Request<Body>) -> Option<&[u8]> {
    let kind = request.headers().get(CONTENT_TYPE)?.as_bytes();
    kind.starts_with(b"application/grpc").then_some(kind)
}

/// Adds the address of the client where the handlers of the simulator expect it.
fn insert_peer(request: &mut Request<Body>) {
    if let Some(PeerAddress(peer)) = request.extensions().get().copied() {
        request.extensions_mut().insert(ConnectInfo(peer));
    }
}

fn is_for(request: &Request<Body>, hosts: &[String]) -> bool {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let authority = authority.or_else(|| request.headers().get(HOST).and_then(|host| host.to_str().ok()));
    let name = authority.map(|authority| authority.rsplit_once(':').map_or(authority, |(name, _)| name));
    name.is_some_and(|name| hosts.iter().any(|host| host.eq_ignore_ascii_case(name)))
}

/// Whether a path needs no credential, on all hosts except the authority's.
fn needs_no_credential(path: &str) -> bool {
    path == CA || probes::PATHS.contains(&path)
}

async fn ca_pem(State(ca): State<Option<Arc<PathBuf>>>) -> Response {
    let Some(path) = ca else { return StatusCode::NOT_FOUND.into_response() };
    match tokio::fs::read(path.as_path()).await {
        Ok(pem) => ([(CONTENT_TYPE, "application/x-pem-file")], pem).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot read the certificate of the certificate authority");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
