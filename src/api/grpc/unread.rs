//! Requests that never became a message: unknown methods, broken frames, bytes of another type.
//!
//! The framework refuses them before an operation is known. Whoever sent one is asked for a credential
//! like anybody else, and the refusal is recorded like any other.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use tonic::{Code, Status};

use super::{CORRELATION_ID, Services, credential, error, origin, stamp};
use crate::api::{PeerAddress, PeerCertificate};
use crate::model::Error;
use crate::model::entry::Meter;
use crate::ops;

/// What answers without a credential.
const OPEN: &[&str] = &["/grpc.health.v1.", "/grpc.reflection.v1."];

/// The headers that a refusal needs.
const KEPT: [&str; 3] = ["authorization", "user-agent", CORRELATION_ID];

/// Lets requests pass, and refuses in our own words what the framework refused.
pub(super) async fn account(
    State((services, limit)): State<(Services, usize)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if OPEN.iter().any(|open| path.starts_with(open)) {
        return next.run(request).await;
    }
    let path = path.to_owned();
    let kept = Kept::of(&request);
    let response = next.run(request).await;
    // Every answer of an operation bears one.
    if response.headers().contains_key(CORRELATION_ID) {
        return response;
    }
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    let error = match status.code() {
        Code::OutOfRange => Error::RequestTooLarge { limit },
        Code::Unimplemented => Error::Unsupported { what: "there is no such method".to_owned() },
        _ => Error::invalid("request", status.message()),
    };
    let rpc = path.rsplit('/').next().unwrap_or_default();
    let (event, meter) = ops::ALL
        .iter()
        .find(|operation| operation.name == rpc)
        .map_or(("UnknownOperation", Meter::Free), |operation| (operation.event, operation.meter));
    let (headers, extensions) = kept.parts();
    let origin = origin(&headers, &extensions, path);
    let correlation_id = origin.correlation_id;
    let credential = credential(&headers, &extensions);
    let error = services.engine.refuse(credential, origin, (event, meter), error).await;
    let mut status = error::status(&error);
    stamp(status.metadata_mut(), correlation_id);
    status.into_http()
}

/// What is kept of a request while the framework has it: cheap, since hardly any is ever needed.
struct Kept {
    headers: [Option<HeaderValue>; KEPT.len()],
    address: Option<PeerAddress>,
    certificate: Option<PeerCertificate>,
}

impl Kept {
    fn of(request: &Request) -> Self {
        Self {
            headers: KEPT.map(|name| request.headers().get(name).cloned()),
            address: request.extensions().get().copied(),
            certificate: request.extensions().get().cloned(),
        }
    }

    fn parts(self) -> (HeaderMap<HeaderValue>, Extensions) {
        let headers = KEPT.into_iter().map(HeaderName::from_static).zip(self.headers);
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
