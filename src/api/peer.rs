//! What a connection and a request's headers tell of its sender, on every surface.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderValue};

use crate::identity::Credential;
use crate::model::Result;

/// The longest description of a client's software that is kept, in bytes.
const LONGEST_CLIENT_INFO: usize = 256;

/// The certificate a client showed on its connection, already verified by TLS; DER.
#[derive(Clone, Debug)]
pub struct PeerCertificate(pub Arc<[u8]>);

/// The address a connection came from.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// The credential of a request.
///
/// # Errors
/// As [`Credential::presented`].
pub(super) fn credential<'a>(headers: &'a HeaderMap, extensions: &'a Extensions) -> Result<Credential<'a>> {
    let certificate = extensions.get::<PeerCertificate>();
    Credential::presented(
        headers.get("authorization").map(HeaderValue::as_bytes),
        certificate.map(|certificate| &*certificate.0),
    )
}

/// The address a request came from.
pub(super) fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<PeerAddress>().map(|peer| peer.0.ip())
}

/// What the client says of its software, cut to what is kept.
pub(super) fn client_info(headers: &HeaderMap) -> String {
    let info = headers.get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    info[..info.floor_char_boundary(LONGEST_CLIENT_INFO)].to_owned()
}
