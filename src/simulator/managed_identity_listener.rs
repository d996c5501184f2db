//! The listener of the managed identity endpoints: plain HTTP, as clients require, so on loopback addresses of a
//! simulator only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use secrecy::SecretString;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

use super::authority::ManagedIdentities;
use crate::api::normalize_path;

/// The timeout for receiving the head of a request.
const HEAD: Duration = Duration::from_secs(15);
/// The maximum number of concurrent connections.
const CONNECTIONS: usize = 64;

/// The running listener, stopped on drop.
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    /// The value that the App Service endpoint requires in `X-IDENTITY-HEADER`.
    pub(super) header: SecretString,
    _serving: AbortOnDropHandle<()>,
}

/// Serves the managed identity endpoints. If the address is in use, usually by another simulator, logs a warning and
/// returns `None`: few clients need the endpoints, and `connection.json` omits them then.
pub(super) async fn start(listen: SocketAddr, identities: ManagedIdentities) -> Option<Endpoint> {
    let bound = TcpListener::bind(listen).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = match bound {
        Ok(bound) => bound,
        Err(error) => {
            tracing::warn!(
                %error,
                "managed identities are not available: cannot listen on {listen} (simulator.managed_identity_listen \
                 sets another address)"
            );
            return None;
        }
    };
    let header = identities.header().clone();
    let serving = AbortOnDropHandle::new(tokio::spawn(accept(listener, identities.router())));
    Some(Endpoint { address, header, _serving: serving })
}

async fn accept(listener: TcpListener, router: Router) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Waits for a slot before accepting the next connection.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let router = router.clone().layer(Extension(ConnectInfo(peer)));
                drop(tokio::spawn(serve(stream, router, slot)));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                #[expect(clippy::disallowed_methods, reason = "a real-time delay avoids a busy loop")]
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, router: Router, slot: OwnedSemaphorePermit) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // As in the main listener, for clients that compare field names case-sensitively.
        .title_case_headers(true)
        // Requests are rare, and idle connections would occupy the few slots.
        .keep_alive(false)
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.map_request(normalize_path)));
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection failed");
    }
    drop(slot);
}
