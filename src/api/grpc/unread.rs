//! What comes before the messages of a request: its caller is authenticated by its headers. Then unknown methods, broken
//! frames, bytes of another type.
//!
//! The framework refuses them before an operation is known. The refusal is recorded like any other.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use tonic::{Code, Status};

use super::{CORRELATION_ID, Services, credential, error, origin, stamp};
use crate::api::{Intake, PeerAddress, peer};
use crate::engine::caught;
use crate::identity::{Audience, Credential};
use crate::model::Error;
use crate::model::entry::Meter;
use crate::ops;

/// What answers without a credential.
const OPEN: &[&str] = &["/grpc.health.v1.", "/grpc.reflection.v1.", "/grpc.reflection.v1alpha."];

/// How the messages of a request are compressed.
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
/// Which compressions are understood.
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// The headers that a refusal needs.
const KEPT: [&str; 2] = ["user-agent", CORRELATION_ID];

/// The encodings of messages that are taken, as the protocol has them told.
const ENCODINGS: HeaderValue = HeaderValue::from_static("identity,gzip");

/// Authenticates requests before a message of theirs is read, and refuses in our own words what the framework refused.
pub(super) async fn account(
    State((services, limit)): State<(Services, usize)>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if OPEN.iter().any(|open| path.starts_with(open)) {
        let intake: Option<Intake> = request.extensions().get().cloned();
        let response = next.run(request).await;
        let stopped = intake.as_ref().and_then(Intake::stopped);
        return stopped.map_or(response, |why| error::status(why).into_http());
    }
    let path = path.to_owned();
    let kept = Kept::of(&request);
    let rpc = path.rsplit('/').next().unwrap_or_default();
    let meant: Vec<_> = ops::ALL.iter().filter(|operation| operation.name == rpc).collect();
    let audiences = match meant.as_slice() {
        [] => Audience::ALL.to_vec(),
        meant => meant.iter().map(|operation| operation.audience).collect(),
    };
    let presented = (credential(request.headers(), request.extensions()), audiences.as_slice());
    let caller = peer::authenticate(&services.engine, presented, request.extensions()).await;
    let error = match &caller {
        // Replaced by that of the credential.
        Err(unknown) => unknown.clone(),
        Ok(verified) => match admit(&request, limit) {
            Err(refused) => refused,
            Ok(()) => {
                request.extensions_mut().insert(verified.clone());
                match caught("a gRPC request", async { Ok(next.run(request).await) }).await {
                    // Every answer of an operation bears one.
                    Ok(response) if response.headers().contains_key(CORRELATION_ID) => return response,
                    Ok(response) => {
                        let Some(status) = Status::from_header_map(response.headers()) else {
                            return response;
                        };
                        match kept.intake.as_ref().and_then(Intake::stopped) {
                            Some(stopped) => stopped.clone(),
                            None => refusal(&status, limit),
                        }
                    }
                    Err(panicked) => panicked,
                }
            }
        },
    };
    let (event, meter) = meant
        .first()
        .map_or(("UnknownOperation", Meter::Free), |operation| (operation.event, operation.meter));
    let is_encoding = matches!(&error, Error::Unsupported { .. }) && kept.encoding.is_some();
    let (headers, extensions) = kept.parts();
    let origin = origin(&headers, &extensions, path);
    let correlation_id = origin.correlation_id;
    let credential = caller.as_ref().map(Credential::Verified).map_err(Clone::clone);
    let error = services.engine.refuse((credential, &audiences), origin, (event, meter), error).await;
    let mut status = error::status(&error);
    stamp(status.metadata_mut(), correlation_id);
    let mut response = status.into_http();
    if is_encoding {
        response.headers_mut().insert(ACCEPT_ENCODING, ENCODINGS);
    }
    response
}

/// Whether the messages of a known caller can be read.
///
/// # Errors
/// `Unsupported` for a compression that is not, `Overloaded` where there is no room for what is compressed.
fn admit(request: &Request, limit: usize) -> Result<(), Error> {
    match request.headers().get(ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(()),
        // How large it becomes is known when it is there: it may be as large as the largest request.
        Some(b"gzip") => request.extensions().get::<Intake>().map_or(Ok(()), |intake| intake.take(limit)),
        Some(other) => {
            let name = String::from_utf8_lossy(other);
            let name: String = name.chars().filter(|c| c.is_ascii_graphic()).take(32).collect();
            Err(Error::Unsupported {
                what: format!("messages compressed with {name} are not taken; gzip is, and identity"),
            })
        }
    }
}

/// What the framework refused, in our words.
fn refusal(status: &Status, limit: usize) -> Error {
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => Error::RequestTooLarge { limit },
        Code::Unimplemented => Error::Unsupported { what: "there is no such method".to_owned() },
        _ => Error::invalid("request", status.message()),
    }
}

/// What is kept of a request while the framework has it: cheap, since hardly any is ever needed.
struct Kept {
    headers: [Option<HeaderValue>; KEPT.len()],
    address: Option<PeerAddress>,
    encoding: Option<HeaderValue>,
    /// Holds what the request takes of the budget until it is answered.
    intake: Option<Intake>,
}

impl Kept {
    fn of(request: &Request) -> Self {
        Self {
            headers: KEPT.map(|name| request.headers().get(name).cloned()),
            address: request.extensions().get().copied(),
            encoding: request.headers().get(ENCODING).cloned(),
            intake: request.extensions().get().cloned(),
        }
    }

    fn parts(self) -> (HeaderMap<HeaderValue>, Extensions) {
        let headers = KEPT.into_iter().map(HeaderName::from_static).zip(self.headers);
        let mut extensions = Extensions::new();
        if let Some(address) = self.address {
            extensions.insert(address);
        }
        (headers.filter_map(|(name, value)| Some((name, value?))).collect(), extensions)
    }
}
