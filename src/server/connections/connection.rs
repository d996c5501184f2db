//! Serves one connection: TLS handshake, requests, and shutdown.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{CONNECTION, RETRY_AFTER};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use metrics::counter;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::activity::{Activity, Deadline, Timeouts, TrackedBody};
use super::admission::Slot;
use super::first_byte_timeout::FirstByteTimeout;
use crate::api::{PeerAddress, PeerCertificate, PeerConnection};
use crate::server::request_router::RequestRouter;
use crate::telemetry;

/// The timeout for receiving the head of a request.
const HEAD: Duration = Duration::from_secs(15);
/// The maximum size of the head of a request, in bytes.
const HEAD_BYTES: usize = 64 * 1024;
/// The maximum number of concurrent requests per connection.
const STREAMS: u32 = 256;
/// The HTTP/2 flow-control windows, in bytes. They limit what a connection buffers in addition to the accounted bodies.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// The grace period for requests of a connection that is closed: without and with an authenticated request.
const GRACE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// The shared configuration of connections.
#[derive(Clone)]
pub(super) struct ConnectionHandler {
    pub(super) web: RequestRouter,
    pub(super) acceptor: TlsAcceptor,
    /// The timeout of the TLS handshake, and that of the first byte after it.
    pub(super) handshake: Duration,
    pub(super) limits: Timeouts,
    /// Cancelled at shutdown.
    pub(super) stopping: CancellationToken,
}

/// Returns an HTTP connection builder. HTTP/1.1 field names are in title case (`Content-Length`): they are
/// case-insensitive (RFC 9110, section 5.1), but libmongocrypt, which parses responses for every MongoDB driver,
/// compares them exactly.
fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).title_case_headers(true);
    builder
}

impl ConnectionHandler {
    /// Serves a connection with a slot.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr, slot: Slot) {
        let _ = stream.set_nodelay(true);
        let needed = slot.reclaimed.clone();
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(self.handshake, self.acceptor.accept(stream)) => accepted,
            () = needed.cancelled() => return,
            () = self.stopping.cancelled() => return,
        };
        match accepted {
            Ok(Ok(stream)) => self.requests(stream, peer, Arc::new(Activity::new(slot))).await,
            Ok(Err(error)) => {
                counter!(telemetry::TLS_FAILURES).increment(1);
                tracing::debug!(%peer, %error, "TLS handshake failed");
            }
            Err(_) => {
                counter!(telemetry::TLS_FAILURES).increment(1);
                tracing::debug!(%peer, "TLS handshake timed out");
            }
        }
    }

    /// Serves requests until the client, a shutdown, or a timeout ends the connection.
    async fn requests(self, stream: TlsStream<TcpStream>, peer: SocketAddr, activity: Arc<Activity>) {
        let certificate = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(|certificate| PeerCertificate(Arc::from(certificate.as_ref())));
        let stream = FirstByteTimeout::within(self.handshake, stream);
        let web = self.web;
        let served = Arc::clone(&activity);
        let authenticated = Arc::clone(&activity);
        let on_authenticated = PeerConnection(Arc::new(move || authenticated.mark_authenticated()));
        let service = hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
            let open = served.begin();
            let extensions = request.extensions_mut();
            extensions.insert(PeerAddress(peer));
            extensions.insert(on_authenticated.clone());
            if let Some(certificate) = &certificate {
                extensions.insert(certificate.clone());
            }
            let web = web.clone();
            async move {
                let response = web.answer(request).await;
                response.map(|response| response.map(|body| TrackedBody { body, _open: open }))
            }
        });
        let mut builder = builder();
        builder.http1().header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
            .keep_alive_interval(Some(Duration::from_secs(30)))
            .keep_alive_timeout(Duration::from_secs(20));
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = self.stopping.cancelled() => None,
            () = timed_out(&activity, &self.limits) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                let grace = GRACE[usize::from(activity.is_authenticated())];
                let abort = async {
                    if self.stopping.is_cancelled() {
                        // At shutdown, the caller that waits for all connections has its own timeout.
                        std::future::pending::<()>().await;
                    }
                    #[expect(clippy::disallowed_methods, reason = "timeouts use the system clock")]
                    tokio::time::sleep(grace).await;
                };
                tokio::select! {
                    ended = connection => ended,
                    () = abort => return tracing::debug!(%peer, "aborted a connection"),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection failed");
        }
    }

    /// Responds with 503 and `Retry-After`, because there are too many connections.
    pub(super) async fn refuse(self, stream: TcpStream, peer: SocketAddr) {
        tracing::debug!(%peer, "too many connections; refusing one with 503");
        let service = hyper::service::service_fn(async |_: http::Request<Incoming>| {
            http::Response::builder()
                .status(StatusCode::SERVICE_UNAVAILABLE)
                .header(RETRY_AFTER, "1")
                .header(CONNECTION, "close")
                .body(axum::body::Body::empty())
        });
        let response = async {
            let Ok(stream) = self.acceptor.accept(stream).await else { return };
            let _ = builder().serve_connection(TokioIo::new(stream), service).await;
        };
        let _ = tokio::time::timeout(self.handshake, response).await;
    }
}

/// Waits until a connection times out or its slot is reclaimed.
async fn timed_out(activity: &Activity, limits: &Timeouts) {
    loop {
        match activity.deadline(limits) {
            Deadline::Now => return,
            #[expect(clippy::disallowed_methods, reason = "timeouts use the system clock")]
            Deadline::In(time) => tokio::select! {
                () = activity.slot().reclaimed.cancelled() => return,
                () = tokio::time::sleep(time) => {}
            },
        }
    }
}
