//! The listener of the managed identity endpoints: plain HTTP, as clients require, so on loopback addresses of a
//! simulator only.

use std::net::SocketAddr;

use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::authority::ManagedIdentities;
use crate::server::plain_http;

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
    let serving = plain_http::serve(listener, identities.router());
    Some(Endpoint { address, header, _serving: serving })
}
