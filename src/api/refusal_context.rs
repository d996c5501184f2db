//! The parts of a request that are needed to record its refusal after the request itself has been consumed.

use axum::body::Body;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request};

use super::{PeerAddress, PeerCertificate};

/// The headers that are needed to record a refusal.
const HEADERS: [&str; 2] = ["authorization", "user-agent"];

/// The headers and the peer of a request. Cheap to create, since few requests are refused this way.
pub(super) struct RefusalContext {
    headers: [Option<HeaderValue>; HEADERS.len()],
    address: Option<PeerAddress>,
    certificate: Option<PeerCertificate>,
}

impl RefusalContext {
    /// Copies the headers and the peer of a request.
    pub(super) fn of(request: &Request<Body>) -> Self {
        Self {
            headers: HEADERS.map(|name| request.headers().get(name).cloned()),
            address: request.extensions().get().copied(),
            certificate: request.extensions().get().cloned(),
        }
    }

    /// Returns the copied headers and extensions.
    pub(super) fn parts(self) -> (HeaderMap<HeaderValue>, Extensions) {
        let headers = HEADERS.into_iter().map(HeaderName::from_static).zip(self.headers);
        let mut extensions = Extensions::new();
        if let Some(address) = self.address {
            extensions.insert(address);
        }
        if let Some(certificate) = self.certificate {
            extensions.insert(certificate);
        }
        (headers.filter_map(|(name, value)| Some((name, value?))).collect(), extensions)
    }
}
