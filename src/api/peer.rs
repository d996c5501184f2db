//! What a connection and a request's headers tell of its sender, on every surface.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderValue};

use super::intake::Intake;
use crate::engine::Engine;
use crate::identity::{Audience, Credential, Verified};
use crate::model::Result;

/// The longest description of a client's software that is kept, in bytes.
const LONGEST_CLIENT_INFO: usize = 256;

/// The certificate a client showed on its connection, already verified by TLS; DER.
#[derive(Clone, Debug)]
pub struct PeerCertificate(pub Arc<[u8]>);

/// The address a connection came from.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// The connection of a request: called when a request on it has been authenticated.
#[derive(Clone)]
pub struct PeerConnection(pub Arc<dyn Fn() + Send + Sync>);

/// The credential of a request: the one that was verified already, or the one it shows.
///
/// # Errors
/// As [`Credential::presented`].
pub(super) fn credential<'a>(headers: &'a HeaderMap, extensions: &'a Extensions) -> Result<Credential<'a>> {
    if let Some(verified) = extensions.get::<Verified>() {
        return Ok(Credential::Verified(verified));
    }
    let certificate = extensions.get::<PeerCertificate>();
    Credential::presented(
        headers.get("authorization").map(HeaderValue::as_bytes),
        certificate.map(|certificate| &*certificate.0),
    )
}

/// Verifies the credential of a request whose body has not been read; it must be meant for one of the audiences. Its connection is told, and its body may take
/// what the bodies of known callers may.
///
/// # Errors
/// `Unauthenticated`, or that of a credential that is none.
pub(super) async fn authenticate(
    engine: &Engine,
    (credential, audiences): (Result<Credential<'_>>, &[Audience]),
    extensions: &Extensions,
) -> Result<Verified> {
    let verified = engine.authenticate(credential?, audiences).await?;
    if let Some(PeerConnection(authenticated)) = extensions.get() {
        authenticated();
    }
    if let Some(intake) = extensions.get::<Intake>() {
        intake.authenticated();
    }
    Ok(verified)
}

/// What of a request's extensions outlasts it: where it came from, but not that it was authenticated, nor its body's
/// part of the budget.
pub(super) fn lasting(extensions: &Extensions) -> Extensions {
    let mut lasting = Extensions::new();
    if let Some(address) = extensions.get::<PeerAddress>() {
        lasting.insert(*address);
    }
    if let Some(certificate) = extensions.get::<PeerCertificate>() {
        lasting.insert(certificate.clone());
    }
    lasting
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
