//! Listening: TLS handshakes in tasks of their own, so that one silent client stops nobody.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http::StatusCode;
use http::header::{CONNECTION, RETRY_AFTER};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::first_byte::FirstByte;
use super::web::Web;
use crate::api::{PeerAddress, PeerCertificate};
use crate::config::Server;

/// How long a client may take to send a request's head.
const HEAD: Duration = Duration::from_secs(15);
/// Bytes of a request's head at most.
const HEAD_BYTES: usize = 64 * 1024;
/// Connections that may wait for a place at once; further ones are not taken yet.
const WAITING: usize = 1024;
/// Requests under way at once on one connection.
const STREAMS: u32 = 256;

/// The sockets, bound before anything else is opened: a port that is taken is noticed first.
pub(super) struct Listeners(Vec<TcpListener>);

impl Listeners {
    /// The port they listen on.
    pub(super) fn port(&self) -> u16 {
        self.0.first().and_then(|listener| listener.local_addr().ok()).map_or(0, |address| address.port())
    }
}

/// Binds the address; an IPv4 loopback address brings the IPv6 one of the same port along, because
/// names under `.localhost` resolve to either.
pub(super) async fn bind(address: SocketAddr) -> anyhow::Result<Listeners> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (--listen ADDRESS:PORT chooses another)"))?;
    let port = listener.local_addr()?.port();
    let mut listeners = vec![listener];
    if address.ip() == IpAddr::from([127, 0, 0, 1]) {
        let other = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        match TcpListener::bind(other).await {
            Ok(listener) => listeners.push(listener),
            Err(error) => tracing::warn!(%error, "not listening on {other} as well"),
        }
    }
    Ok(Listeners(listeners))
}

/// The running listeners.
pub(super) struct Serving {
    stop: watch::Sender<bool>,
    listening: JoinSet<()>,
    graceful: Arc<tokio::sync::Mutex<Option<GracefulShutdown>>>,
}

impl Serving {
    /// Stops taking connections and lets requests under way end; true if all did in time.
    pub(super) async fn stop(mut self, patience: Duration) -> bool {
        let _ = self.stop.send(true);
        while self.listening.join_next().await.is_some() {}
        let Some(graceful) = self.graceful.lock().await.take() else { return true };
        tokio::time::timeout(patience, graceful.shutdown()).await.is_ok()
    }
}

/// Takes connections and serves them.
pub(super) fn serve(
    listeners: Listeners,
    web: Web,
    tls: Arc<rustls::ServerConfig>,
    limits: &Server,
) -> Serving {
    let (stop, stopped) = watch::channel(false);
    let graceful = Arc::new(tokio::sync::Mutex::new(Some(GracefulShutdown::new())));
    let connections = Arc::new(Semaphore::new(limits.max_connections));
    let waiting = Arc::new(Semaphore::new(WAITING));
    let handshake = Duration::from_secs(limits.handshake_seconds);
    let mut listening = JoinSet::new();
    for listener in listeners.0 {
        let front = Front {
            web: web.clone(),
            acceptor: TlsAcceptor::from(Arc::clone(&tls)),
            graceful: Arc::clone(&graceful),
            handshake,
            patience: Duration::from_secs(limits.request_seconds),
            connections: Arc::clone(&connections),
        };
        listening.spawn(accept(listener, front, Arc::clone(&waiting), stopped.clone()));
    }
    Serving { stop, listening, graceful }
}

/// What every connection needs.
#[derive(Clone)]
struct Front {
    web: Web,
    acceptor: TlsAcceptor,
    graceful: Arc<tokio::sync::Mutex<Option<GracefulShutdown>>>,
    handshake: Duration,
    /// How long a connection waits for a place.
    patience: Duration,
    connections: Arc<Semaphore>,
}

async fn accept(
    listener: TcpListener,
    front: Front,
    waiting: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let waiting = Arc::clone(&waiting);
        // A place is taken once there is somebody for it: the listeners share them.
        let next = async {
            let accepted = listener.accept().await;
            (waiting.acquire_owned().await, accepted)
        };
        let (waits, accepted) = tokio::select! {
            next = next => next,
            _ = stopped.changed() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, or the peer went away: neither is a reason to stop listening.
                tracing::warn!(%error, "a connection could not be taken");
                #[expect(clippy::disallowed_methods, reason = "a pause of real time, so as not to spin")]
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let front = front.clone();
        tokio::spawn(async move {
            let place = Arc::clone(&front.connections).acquire_owned();
            match tokio::time::timeout(front.patience, place).await {
                Ok(place) => {
                    drop(waits);
                    front.connection(stream, peer).await;
                    drop(place);
                }
                Err(_) => front.turn_away(stream, peer).await,
            }
        });
    }
}

/// What all connections have in common. Names of HTTP/1.1 header fields are written in title case
/// (`Content-Length`): they have no case (RFC 9110, 5.1), but libmongocrypt, which reads the answers for every
/// MongoDB driver, compares them as they are written.
fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).title_case_headers(true);
    builder
}

impl Front {
    async fn connection(self, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let stream = match tokio::time::timeout(self.handshake, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => return tracing::debug!(%peer, "TLS handshake took too long"),
        };
        let certificate = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(|certificate| PeerCertificate(Arc::from(certificate.as_ref())));
        let stream = FirstByte::within(self.handshake, stream);
        let web = self.web;
        let service = hyper::service::service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(PeerAddress(peer));
            if let Some(certificate) = &certificate {
                request.extensions_mut().insert(certificate.clone());
            }
            web.clone().answer(request)
        });
        let mut builder = builder();
        builder.http1().header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
            .keep_alive_interval(Some(Duration::from_secs(30)))
            .keep_alive_timeout(Duration::from_secs(20));
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let watched = match &*self.graceful.lock().await {
            Some(graceful) => graceful.watch(connection),
            None => return,
        };
        if let Err(error) = watched.await {
            tracing::debug!(%peer, error = %error, "a connection ended badly");
        }
    }

    /// Tells somebody for whom there is no place to come back later.
    async fn turn_away(self, stream: TcpStream, peer: SocketAddr) {
        tracing::warn!(%peer, "there are too many connections; one is turned away");
        let service = hyper::service::service_fn(async |_: http::Request<hyper::body::Incoming>| {
            http::Response::builder()
                .status(StatusCode::SERVICE_UNAVAILABLE)
                .header(RETRY_AFTER, "1")
                .header(CONNECTION, "close")
                .body(axum::body::Body::empty())
        });
        let answer = async {
            let Ok(stream) = self.acceptor.accept(stream).await else { return };
            let _ = builder().serve_connection(TokioIo::new(stream), service).await;
        };
        let _ = tokio::time::timeout(self.handshake, answer).await;
    }
}
