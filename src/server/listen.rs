//! Listening: TLS handshakes in tasks of their own, so that one silent client stops nobody.

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

use super::activity::Limits;
use super::admission::{Admission, Capacity};
use super::connection::Front;
use super::descriptors;
use super::web::Web;
use crate::config::{Config, network_of};

/// Connections that may wait for a slot, as a part of those that are served: one for so many, from addresses that are
/// known to authenticate, and as many from others. Further ones are closed.
const WAITING: usize = 16;

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
    stopping: CancellationToken,
    listening: JoinSet<()>,
    connections: TaskTracker,
}

impl Serving {
    /// Stops taking connections and lets requests under way end; true if all did in time.
    pub(super) async fn stop(mut self, patience: Duration) -> bool {
        self.stopping.cancel();
        while self.listening.join_next().await.is_some() {}
        self.connections.close();
        tokio::time::timeout(patience, self.connections.wait()).await.is_ok()
    }
}

/// Takes connections and serves them.
pub(super) fn serve(
    listeners: Listeners,
    web: Web,
    tls: Arc<rustls::ServerConfig>,
    config: &Config,
) -> Serving {
    let (server, connections) = (&config.server, &config.connections);
    let served = descriptors::connections(server.max_connections);
    let admission = Admission::new(Capacity {
        connections: served,
        reserved: connections.reserved_of(server.max_connections).min(served - 1),
        per_address: connections.max_per_address,
    });
    let stopping = CancellationToken::new();
    let front = Front {
        web,
        acceptor: TlsAcceptor::from(tls),
        handshake: Duration::from_secs(server.handshake_seconds),
        limits: Limits {
            first_request: Duration::from_secs(connections.first_request_seconds),
            idle: Duration::from_secs(connections.idle_seconds),
            unauthenticated: Duration::from_secs(connections.unauthenticated_seconds),
        },
        stopping: stopping.clone(),
    };
    let accepting = Accepting {
        front,
        admission,
        waiting: [(); 2].map(|()| Arc::new(Semaphore::new((served / WAITING).max(8)))),
        patience: Duration::from_secs(server.request_seconds),
        connections: TaskTracker::new(),
    };
    let connections = accepting.connections.clone();
    let mut listening = JoinSet::new();
    for listener in listeners.0 {
        listening.spawn(accept(listener, accepting.clone()));
    }
    Serving { stopping, listening, connections }
}

/// What all listeners share.
#[derive(Clone)]
struct Accepting {
    front: Front,
    admission: Arc<Admission>,
    /// For addresses that are unknown, and for those that are known.
    waiting: [Arc<Semaphore>; 2],
    /// How long a connection waits for a slot.
    patience: Duration,
    /// Those that have one.
    connections: TaskTracker,
}

async fn accept(listener: TcpListener, accepting: Accepting) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = accepting.front.stopping.cancelled() => return,
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
        let Accepting { front, admission, waiting, patience, connections } = accepting.clone();
        let address = network_of(peer.ip());
        if let Some(slot) = admission.try_slot(address) {
            tokio::spawn(connections.track_future(front.serve(stream, peer, slot)));
            continue;
        }
        let [unknown, known] = waiting;
        let waiting = if admission.is_known(address) { known } else { unknown };
        let Ok(waits) = waiting.try_acquire_owned() else {
            tracing::warn!(%peer, "too many connections are waiting; one is closed");
            continue;
        };
        tokio::spawn(async move {
            match admission.slot(address, patience).await {
                Some(slot) => {
                    drop(waits);
                    connections.track_future(front.serve(stream, peer, slot)).await;
                }
                None => front.turn_away(stream, peer).await,
            }
        });
    }
}
