//! Middleware that authenticates the caller of a gRPC request before any message is decoded.
//!
//! It also records the framework's own refusals, of unknown methods, malformed frames and wrong content types, which
//! happen before an operation is known.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use tonic::{Code, Status};

use super::deadline::Deadline;
use super::{CORRELATION_ID, Services, credential, error, origin, refusal};
use crate::api::{BodyReservation, PeerAddress, peer};
use crate::engine::catch_panics;
use crate::identity::{Audience, Credential};
use crate::model::audit_entry::Meter;
use crate::model::{Error, Field};
use crate::ops::{self, PIPELINE};

/// The path prefixes of the services that need no credential.
const OPEN: &[&str] = &["/grpc.health.v1.", "/grpc.reflection.v1.", "/grpc.reflection.v1alpha."];

/// The header with the compression of the request's messages.
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// The header with the supported compressions.
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// The headers that are needed to record a refusal.
const HEADERS: [&str; 2] = ["user-agent", CORRELATION_ID];

/// The supported compressions, as the value of [`ACCEPT_ENCODING`].
const ENCODINGS: HeaderValue = HeaderValue::from_static("identity,gzip");

/// Authenticates requests before their messages are decoded, and replaces the framework's refusals by domain errors.
pub(super) async fn authenticate(
    State((services, limit)): State<(Services, usize)>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if OPEN.iter().any(|prefix| path.starts_with(prefix)) {
        let reservation: Option<BodyReservation> = request.extensions().get().cloned();
        let response = next.run(request).await;
        let stopped = reservation.as_ref().and_then(BodyReservation::body_error);
        return stopped.map_or(response, |why| error::status(why).into_http());
    }
    let path = path.to_owned();
    let deadline = Deadline::of(request.headers());
    let context = RefusalContext::of(&request);
    let rpc = path.rsplit('/').next().unwrap_or_default();
    let operations: Vec<_> = ops::ALL.iter().filter(|operation| operation.name == rpc).collect();
    let audiences = match operations.as_slice() {
        [] if rpc == PIPELINE.name => PIPELINE.audiences.to_vec(),
        [] => Audience::ALL.to_vec(),
        operations => operations.iter().flat_map(|operation| operation.audiences).copied().collect(),
    };
    let presented = (credential(request.headers(), request.extensions()), audiences.as_slice());
    let caller = peer::authenticate(&services.engine, presented, request.extensions()).await;
    let error = match &caller {
        // The engine replaces it by the error of the credential.
        Err(unauthenticated) => unauthenticated.clone(),
        Ok(verified) => match check_encoding(&request, limit) {
            Err(refused) => refused,
            Ok(()) => {
                request.extensions_mut().insert(verified.clone());
                if let Some(deadline) = deadline {
                    request.extensions_mut().insert(deadline);
                }
                match catch_panics("a gRPC request", async { Ok(next.run(request).await) }).await {
                    // Every response of an operation has one.
                    Ok(response) if response.headers().contains_key(CORRELATION_ID) => return response,
                    Ok(response) => {
                        let Some(status) = Status::from_header_map(response.headers()) else {
                            return response;
                        };
                        match context.reservation.as_ref().and_then(BodyReservation::body_error) {
                            Some(stopped) => stopped.clone(),
                            None => framework_error(&status, limit),
                        }
                    }
                    Err(panicked) => panicked,
                }
            }
        },
    };
    let (event, meter) = match operations.first() {
        Some(operation) => (operation.event, operation.meter),
        None if rpc == PIPELINE.name => (PIPELINE.event, Meter::Free),
        None => ("UnknownOperation", Meter::Free),
    };
    let is_encoding = matches!(&error, Error::Unsupported { .. }) && context.encoding.is_some();
    let (headers, extensions) = context.parts();
    let origin = origin(&headers, &extensions, path);
    let correlation_id = origin.correlation_id;
    let credential = caller.as_ref().map(Credential::Verified).map_err(Clone::clone);
    let error = services.engine.refuse((credential, &audiences), origin, (event, meter), error).await;
    let mut response = refusal(&error, correlation_id).into_http();
    if is_encoding {
        response.headers_mut().insert(ACCEPT_ENCODING, ENCODINGS);
    }
    response
}

/// Checks that the messages of an authenticated caller can be decompressed, and reserves the bytes for it.
///
/// # Errors
/// `Unsupported` for an unsupported compression, `Overloaded` if the byte budget is exhausted.
fn check_encoding(request: &Request, limit: usize) -> Result<(), Error> {
    match request.headers().get(ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        // The decompressed length is not known in advance: reserve that of the largest request.
        Some(b"gzip") => request
            .extensions()
            .get::<BodyReservation>()
            .map_or(Ok(()), |reservation| reservation.reserve(limit)),
        Some(other) => {
            let name = String::from_utf8_lossy(other);
            let name: String = name.chars().filter(|c| c.is_ascii_graphic()).take(32).collect();
            Err(Error::Unsupported {
                what: format!("message compression {name} is not supported; use gzip or identity"),
            })
        }
    }
}

/// Converts a refusal of the framework to a domain error.
fn framework_error(status: &Status, limit: usize) -> Error {
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => Error::RequestTooLarge { limit },
        Code::Unimplemented => Error::Unsupported { what: "there is no such method".to_owned() },
        _ => Error::invalid(Field::Request, status.message()),
    }
}

/// The parts of a request that are needed to record its refusal. Cheap to create, since few requests are refused here.
struct RefusalContext {
    headers: [Option<HeaderValue>; HEADERS.len()],
    address: Option<PeerAddress>,
    encoding: Option<HeaderValue>,
    /// Keeps the bytes of the request reserved until it is answered.
    reservation: Option<BodyReservation>,
}

impl RefusalContext {
    fn of(request: &Request) -> Self {
        Self {
            headers: HEADERS.map(|name| request.headers().get(name).cloned()),
            address: request.extensions().get().copied(),
            encoding: request.headers().get(ENCODING).cloned(),
            reservation: request.extensions().get().cloned(),
        }
    }

    fn parts(self) -> (HeaderMap<HeaderValue>, Extensions) {
        let headers = HEADERS.into_iter().map(HeaderName::from_static).zip(self.headers);
        let mut extensions = Extensions::new();
        if let Some(address) = self.address {
            extensions.insert(address);
        }
        (headers.filter_map(|(name, value)| Some((name, value?))).collect(), extensions)
    }
}
