//! What is kept of a request while something else has it: enough to record its refusal.

use axum::body::Body;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request};

use super::{PeerAddress, PeerCertificate};

/// The headers that a refusal needs.
const HEADERS: [&str; 2] = ["authorization", "user-agent"];

/// The headers and the peer of a request. Cheap, since hardly any is ever needed.
pub(super) struct Kept {
    headers: [Option<HeaderValue>; HEADERS.len()],
    address: Option<PeerAddress>,
    certificate: Option<PeerCertificate>,
}

impl Kept {
    /// What a refusal of this request needs.
    pub(super) fn of(request: &Request<Body>) -> Self {
        Self {
            headers: HEADERS.map(|name| request.headers().get(name).cloned()),
            address: request.extensions().get().copied(),
            certificate: request.extensions().get().cloned(),
        }
    }

    /// As the parts of a request.
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
