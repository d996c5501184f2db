//! The listener of managed identities: plain HTTP, as clients insist, so on this machine and in a simulator only.

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

use crate::identity::authority::ManagedIdentities;

/// How long a client may take to send a request's head.
const HEAD: Duration = Duration::from_secs(15);
/// Connections served at once.
const CONNECTIONS: usize = 64;

/// The running listener; it ends when this is dropped.
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    /// What App Service's form asks for.
    pub(super) header: SecretString,
    _serving: AbortOnDropHandle<()>,
}

/// Serves managed identities. Where the address is taken, most likely by another simulator, the log says so, and this
/// one goes on without: few need them, and its own clients are told that there are none.
pub(super) async fn start(listen: SocketAddr, identities: ManagedIdentities) -> Option<Endpoint> {
    let bound = TcpListener::bind(listen).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = match bound {
        Ok(bound) => bound,
        Err(error) => {
            tracing::warn!(
                %error,
                "no tokens for managed identities: cannot listen on {listen} (simulator.managed_identity_listen \
                 chooses another address)"
            );
            return None;
        }
    };
    let header = identities.header().clone();
    let serving = AbortOnDropHandle::new(tokio::spawn(accept(listener, identities.router())));
    Some(Endpoint { address, header, _serving: serving })
}

async fn accept(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Who finds no place waits before it is let in.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let router = router.clone().layer(Extension(ConnectInfo(peer)));
                drop(tokio::spawn(serve(stream, router, place)));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                #[expect(clippy::disallowed_methods, reason = "a pause of real time, so as not to spin")]
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, router: Router, place: OwnedSemaphorePermit) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // As the main listener does, for clients that compare names of header fields as they are written.
        .title_case_headers(true)
        // Answers are short and rare, and idle connections would use up the few there are.
        .keep_alive(false)
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended badly");
    }
    drop(place);
}
