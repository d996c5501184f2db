//! The sender of a request on any surface: its credential, address and client software.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::{Extensions, HeaderMap, HeaderValue};

use super::body_budget::BodyReservation;
use crate::engine::Engine;
use crate::identity::{Audience, Credential, VerifiedCredential};
use crate::model::Result;

/// The longest `User-Agent` that is recorded, in bytes; the rest is cut off.
const MAX_CLIENT_INFO_BYTES: usize = 256;

/// The client certificate of a connection, as DER. TLS has verified it.
#[derive(Clone, Debug)]
pub struct PeerCertificate(pub Arc<[u8]>);

/// The remote address of a connection.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// A callback to the connection of a request, called when the request has been authenticated.
#[derive(Clone)]
pub struct PeerConnection(pub Arc<dyn Fn() + Send + Sync>);

/// Returns the credential of a request: the one that is already verified, or the one it presents.
///
/// # Errors
/// As [`Credential::presented`].
pub(super) fn credential<'a>(headers: &'a HeaderMap, extensions: &'a Extensions) -> Result<Credential<'a>> {
    if let Some(verified) = extensions.get::<VerifiedCredential>() {
        return Ok(Credential::Verified(verified));
    }
    let certificate = extensions.get::<PeerCertificate>();
    Credential::presented(
        headers.get("authorization").map(HeaderValue::as_bytes),
        certificate.map(|certificate| &*certificate.0),
    )
}

/// Authenticates a request before its body is read. The credential must be valid for one of the audiences. On success,
/// notifies the connection and allows the body the whole byte budget.
///
/// # Errors
/// `Unauthenticated`, or the error of a malformed credential.
pub(super) async fn authenticate(
    engine: &Engine,
    (credential, audiences): (Result<Credential<'_>>, &[Audience]),
    extensions: &Extensions,
) -> Result<VerifiedCredential> {
    let verified = engine.authenticate(credential?, audiences).await?;
    if let Some(PeerConnection(authenticated)) = extensions.get() {
        authenticated();
    }
    if let Some(reservation) = extensions.get::<BodyReservation>() {
        reservation.mark_authenticated();
    }
    Ok(verified)
}

/// Returns the extensions that belong to the connection: address and certificate. The verified credential and the
/// body's reservation belong to one request and are left out.
pub(super) fn connection_extensions(extensions: &Extensions) -> Extensions {
    let mut kept = Extensions::new();
    if let Some(address) = extensions.get::<PeerAddress>() {
        kept.insert(*address);
    }
    if let Some(certificate) = extensions.get::<PeerCertificate>() {
        kept.insert(certificate.clone());
    }
    kept
}

/// Returns the remote address of a request.
pub(super) fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<PeerAddress>().map(|peer| peer.0.ip())
}

/// Returns the `User-Agent` of a request, cut to the recorded length.
pub(super) fn client_info(headers: &HeaderMap) -> String {
    let info = headers.get("user-agent").and_then(|value| value.to_str().ok()).unwrap_or_default();
    info[..info.floor_char_boundary(MAX_CLIENT_INFO_BYTES)].to_owned()
}
