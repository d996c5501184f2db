//! Accepts connections; each is served in its own task, so that a silent client does not block others.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::activity::Timeouts;
use super::admission::{Admission, Capacity, ConnectionCounts};
use super::connection::ConnectionHandler;
use super::descriptors;
use super::refusals::{self, Reason, Refusals};
use crate::config::{Config, network_of};
use crate::server::request_router::RequestRouter;
use crate::telemetry;

/// The number of slots per connection that may wait for a slot: one queue for addresses that have authenticated, and
/// one of the same length for others. Further connections are closed.
const WAITING: usize = 16;

/// The listening sockets. Bound before anything else is opened, so that a port conflict is reported first.
pub(in crate::server) struct Listeners(Vec<TcpListener>);

impl Listeners {
    /// Returns the port of the sockets.
    pub(in crate::server) fn port(&self) -> u16 {
        self.0.first().and_then(|listener| listener.local_addr().ok()).map_or(0, |address| address.port())
    }
}

/// Binds the address. With 127.0.0.1, also binds `[::1]` and the same port, because names under `.localhost` resolve to
/// either.
pub(in crate::server) async fn bind(address: SocketAddr) -> anyhow::Result<Listeners> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} (--listen ADDRESS:PORT chooses another)"))?;
    let port = listener.local_addr()?.port();
    let mut listeners = vec![listener];
    if address.ip() == IpAddr::from([127, 0, 0, 1]) {
        let other = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        match TcpListener::bind(other).await {
            Ok(listener) => listeners.push(listener),
            Err(error) => tracing::warn!(%error, "cannot also listen on {other}"),
        }
    }
    Ok(Listeners(listeners))
}

/// The state of the connections.
#[derive(Clone)]
pub(in crate::server) struct ConnectionStatus {
    admission: Arc<Admission>,
    refusals: Arc<Refusals>,
}

impl ConnectionStatus {
    /// Counts the open connections.
    pub(in crate::server) fn counts(&self) -> ConnectionCounts {
        self.admission.counts()
    }

    /// Logs that no connections are refused any more, once it is so. To be called every few seconds.
    pub(in crate::server) fn check(&self) {
        self.refusals.check();
    }
}

/// The running listeners.
pub(in crate::server) struct Serving {
    stopping: CancellationToken,
    listening: JoinSet<()>,
    connections: TaskTracker,
    status: ConnectionStatus,
}

impl Serving {
    /// Returns the state of the connections.
    pub(in crate::server) fn status(&self) -> ConnectionStatus {
        self.status.clone()
    }

    /// Stops accepting connections and waits for requests in progress; returns whether all completed in time.
    pub(in crate::server) async fn stop(mut self, patience: Duration) -> bool {
        self.stopping.cancel();
        while self.listening.join_next().await.is_some() {}
        self.connections.close();
        tokio::time::timeout(patience, self.connections.wait()).await.is_ok()
    }
}

/// Accepts and serves connections.
pub(in crate::server) fn serve(
    listeners: Listeners,
    web: RequestRouter,
    tls: Arc<rustls::ServerConfig>,
    config: &Config,
) -> Serving {
    let (server, connections) = (&config.server, &config.connections);
    let served = descriptors::connection_limit(server.max_connections);
    let admission = Admission::new(Capacity {
        connections: served,
        reserved: connections.reserved_of(server.max_connections).min(served - 1),
        per_address: connections.max_per_address,
    });
    let status = ConnectionStatus { admission: Arc::clone(&admission), refusals: Arc::default() };
    let stopping = CancellationToken::new();
    let handler = ConnectionHandler {
        web,
        acceptor: TlsAcceptor::from(tls),
        handshake: Duration::from_secs(server.handshake_seconds),
        limits: Timeouts {
            first_request: Duration::from_secs(connections.first_request_seconds),
            idle: Duration::from_secs(connections.idle_seconds),
            unauthenticated: Duration::from_secs(connections.unauthenticated_seconds),
        },
        stopping: stopping.clone(),
    };
    let accepting = Accepting {
        handler,
        admission,
        waiting: [(); 2].map(|()| Arc::new(Semaphore::new((served / WAITING).max(8)))),
        patience: Duration::from_secs(server.request_seconds),
        connections: TaskTracker::new(),
        refusals: Arc::clone(&status.refusals),
    };
    let connections = accepting.connections.clone();
    let mut listening = JoinSet::new();
    for listener in listeners.0 {
        listening.spawn(accept(listener, accepting.clone()));
    }
    Serving { stopping, listening, connections, status }
}

/// The state that all listeners share.
#[derive(Clone)]
struct Accepting {
    handler: ConnectionHandler,
    admission: Arc<Admission>,
    /// The queues for unknown and for known addresses.
    waiting: [Arc<Semaphore>; 2],
    /// The maximum time that a connection waits for a slot.
    patience: Duration,
    /// The connections with a slot.
    connections: TaskTracker,
    refusals: Arc<Refusals>,
}

async fn accept(listener: TcpListener, accepting: Accepting) {
    let counted = metrics::counter!(telemetry::CONNECTIONS_ACCEPTED);
    // Said once, however often it is tried again.
    let mut is_exhausted = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = accepting.handler.stopping.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => {
                if std::mem::take(&mut is_exhausted) {
                    tracing::warn!(
                        event = "connections.descriptors_available",
                        "connections are accepted again"
                    );
                }
                accepted
            }
            Err(error) => {
                // The peer has disconnected, for example.
                if !descriptors::is_exhausted(&error) {
                    tracing::debug!(%error, "cannot accept a connection");
                } else if !std::mem::replace(&mut is_exhausted, true) {
                    tracing::error!(event = "connections.descriptors_exhausted", %error, "no file descriptors are left; connections wait until one is free");
                }
                refusals::record(Reason::AcceptFailed);
                #[expect(clippy::disallowed_methods, reason = "a real-time delay avoids a busy loop")]
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        counted.increment(1);
        let Accepting { handler, admission, waiting, patience, connections, refusals } = accepting.clone();
        let address = network_of(peer.ip());
        if let Some(slot) = admission.try_acquire(address) {
            tokio::spawn(connections.track_future(handler.serve(stream, peer, slot)));
            continue;
        }
        let [unknown, known] = waiting;
        let waiting = if admission.is_known(address) { known } else { unknown };
        let Ok(permit) = waiting.try_acquire_owned() else {
            tracing::debug!(%peer, "too many connections are waiting; closing one");
            refusals.refuse(Reason::QueueFull);
            continue;
        };
        tokio::spawn(async move {
            match admission.acquire(address, patience).await {
                Some(slot) => {
                    drop(permit);
                    connections.track_future(handler.serve(stream, peer, slot)).await;
                }
                None => {
                    refusals.refuse(Reason::NoSlot);
                    handler.refuse(stream, peer).await;
                }
            }
        });
    }
}
