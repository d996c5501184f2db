//! Serves a few connections of plain HTTP, for clients that use neither TLS nor credentials: on addresses that the operator trusts.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

use crate::api::normalize_path;

/// The timeout for receiving the head of a request.
const HEAD: Duration = Duration::from_secs(15);
/// The maximum number of concurrent connections.
const CONNECTIONS: usize = 64;

/// Serves a router on a listener until the result is dropped.
pub(crate) fn serve(listener: TcpListener, router: Router) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(accept(listener, router)))
}

async fn accept(listener: TcpListener, router: Router) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Waits for a slot before accepting the next connection.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let router = router.clone().layer(Extension(ConnectInfo(peer)));
                drop(tokio::spawn(answer(stream, router, slot)));
            }
            Err(error) => {
                tracing::debug!(%error, "cannot accept a connection");
                #[expect(clippy::disallowed_methods, reason = "a real-time delay avoids a busy loop")]
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn answer(stream: TcpStream, router: Router, slot: OwnedSemaphorePermit) {
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
