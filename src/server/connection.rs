//! One connection: its TLS handshake, its requests, and its end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{CONNECTION, RETRY_AFTER};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::activity::{Activity, Answer, Deadline, Limits};
use super::admission::Slot;
use super::first_byte::FirstByte;
use super::web::Web;
use crate::api::{PeerAddress, PeerCertificate, PeerConnection};

/// How long a client may take to send a request's head.
const HEAD: Duration = Duration::from_secs(15);
/// Bytes of a request's head at most.
const HEAD_BYTES: usize = 64 * 1024;
/// Requests under way at once on one connection.
const STREAMS: u32 = 256;
/// Bytes that a client may send on one stream, and on all of a connection, ahead of their being read: what a
/// connection holds beside the bodies that are counted.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// How long requests may take to end on a connection that must, where nobody was authenticated, and where somebody was.
const GRACE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// What every connection needs.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) web: Web,
    pub(super) acceptor: TlsAcceptor,
    /// How long a TLS handshake may take, and then the first byte.
    pub(super) handshake: Duration,
    pub(super) limits: Limits,
    /// Cancelled when the service ends.
    pub(super) stopping: CancellationToken,
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
    /// Serves a connection that has a slot.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr, slot: Slot) {
        let _ = stream.set_nodelay(true);
        let needed = slot.needed.clone();
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(self.handshake, self.acceptor.accept(stream)) => accepted,
            () = needed.cancelled() => return,
            () = self.stopping.cancelled() => return,
        };
        match accepted {
            Ok(Ok(stream)) => self.requests(stream, peer, Arc::new(Activity::new(slot))).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        }
    }

    /// Answers requests until the client, the service, or a limit ends the connection.
    async fn requests(self, stream: TlsStream<TcpStream>, peer: SocketAddr, activity: Arc<Activity>) {
        let certificate = stream
            .get_ref()
            .1
            .peer_certificates()
            .and_then(|chain| chain.first())
            .map(|certificate| PeerCertificate(Arc::from(certificate.as_ref())));
        let stream = FirstByte::within(self.handshake, stream);
        let web = self.web;
        let served = Arc::clone(&activity);
        let authenticated = Arc::clone(&activity);
        let told = PeerConnection(Arc::new(move || authenticated.authenticated()));
        let service = hyper::service::service_fn(move |mut request: http::Request<Incoming>| {
            let open = served.begin();
            let extensions = request.extensions_mut();
            extensions.insert(PeerAddress(peer));
            extensions.insert(told.clone());
            if let Some(certificate) = &certificate {
                extensions.insert(certificate.clone());
            }
            let web = web.clone();
            async move {
                let answer = web.answer(request).await;
                answer.map(|response| response.map(|body| Answer { body, _open: open }))
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
            () = over(&activity, &self.limits) => None,
        };
        let ended = match ended {
            Some(ended) => ended,
            None => {
                connection.as_mut().graceful_shutdown();
                let grace = GRACE[usize::from(activity.is_authenticated())];
                let cut = async {
                    if self.stopping.is_cancelled() {
                        // Whoever waits for all connections to end says how long.
                        std::future::pending::<()>().await;
                    }
                    #[expect(clippy::disallowed_methods, reason = "timeouts use the machine's clock")]
                    tokio::time::sleep(grace).await;
                };
                tokio::select! {
                    ended = connection => ended,
                    () = cut => return tracing::debug!(%peer, "a connection was cut off"),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection ended badly");
        }
    }

    /// Answers that there are too many connections, and when to try again.
    pub(super) async fn turn_away(self, stream: TcpStream, peer: SocketAddr) {
        tracing::warn!(%peer, "there are too many connections; one is turned away");
        let service = hyper::service::service_fn(async |_: http::Request<Incoming>| {
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

/// Waits until a connection must end: it is silent for too long, or its slot is needed.
async fn over(activity: &Activity, limits: &Limits) {
    loop {
        match activity.deadline(limits) {
            Deadline::Now => return,
            #[expect(clippy::disallowed_methods, reason = "timeouts use the machine's clock")]
            Deadline::In(time) => tokio::select! {
                () = activity.slot().needed.cancelled() => return,
                () = tokio::time::sleep(time) => {}
            },
        }
    }
}
