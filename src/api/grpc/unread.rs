//! Requests that never became a message: unknown methods, broken frames, bytes of another type.
//!
//! The framework refuses them before an operation is known. Whoever sent one is asked for a credential
//! like anybody else, and the refusal is recorded like any other.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Extensions, HeaderMap, HeaderValue};
use tonic::{Code, Status};

use super::{CORRELATION_ID, PeerAddress, PeerCertificate, Services, credential, error, origin, stamp};
use crate::model::Error;
use crate::model::entry::Meter;
use crate::ops;

/// What answers without a credential.
const OPEN: &[&str] = &["/grpc.health.v1.", "/grpc.reflection.v1."];

/// What is kept of a request while the framework has it.
const KEPT: &[&str] = &["authorization", "user-agent", CORRELATION_ID];

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
    let (headers, extensions) = kept(&request);
    let response = next.run(request).await;
    // Every answer of an operation bears one.
    if response.headers().contains_key(CORRELATION_ID) {
        return response;
    }
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    let error = match status.code() {
        Code::OutOfRange => Error::LimitExceeded { what: "bytes in a request", limit },
        Code::Unimplemented => Error::Unsupported { what: "there is no such method".to_owned() },
        _ => Error::invalid("request", status.message()),
    };
    let rpc = path.rsplit('/').next().unwrap_or_default();
    let (event, meter) = ops::ALL
        .iter()
        .find(|operation| operation.name == rpc)
        .map_or(("UnknownOperation", Meter::Free), |operation| (operation.event, operation.meter));
    let origin = origin(&headers, &extensions, path);
    let correlation_id = origin.correlation_id;
    let credential = credential(&headers, &extensions);
    let error = services.engine.refuse(credential, origin, (event, meter), error).await;
    let mut status = error::status(&error);
    stamp(status.metadata_mut(), correlation_id);
    status.into_http()
}

fn kept(request: &Request) -> (HeaderMap<HeaderValue>, Extensions) {
    let mut headers = HeaderMap::with_capacity(KEPT.len());
    for name in KEPT {
        if let Some(value) = request.headers().get(*name) {
            headers.insert(*name, value.clone());
        }
    }
    let mut extensions = Extensions::new();
    if let Some(address) = request.extensions().get::<PeerAddress>() {
        extensions.insert(*address);
    }
    if let Some(certificate) = request.extensions().get::<PeerCertificate>() {
        extensions.insert(certificate.clone());
    }
    (headers, extensions)
}
