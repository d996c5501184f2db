//! Runs the requests of a stream concurrently, each as one call through the engine.
//!
//! A task of its own drives the stream, so that a call that has begun completes even while the client does not read the
//! responses. A request is read only when there is room for its response, which bounds what is kept for a stream.

use std::future::Future;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, FuturesUnordered};
use http::{Extensions, HeaderMap};
use prost::Message as _;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::{Code, Request, Response, Status, Streaming};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

use super::deadline::Deadline;
use super::pb::pipeline_request::Request as Asked;
use super::pb::pipeline_response::Response as Answered;
use super::services::Stream;
use super::{Services, credential, error, origin, pb, peer, refusal, response};
use crate::api::body_budget::{BodyReservation, HeldBytes};
use crate::engine::{PlaneAccess, catch_panics};
use crate::model::audit_entry::{Meter, Origin};
use crate::model::{Error, Field, Result as Outcome};
use crate::ops::crypto::{Decrypt, Encrypt, Sign, UnwrapKey, Verify, WrapKey};
use crate::ops::{self, Operation, Target};

/// The maximum number of requests of a stream that are not answered, or whose responses are not sent.
const MAX_UNANSWERED: usize = 32;

/// A response or the status that ends the stream, and what is free once it is sent.
type Sent = (Result<pb::PipelineResponse, Status>, Option<Share>);

/// The share of a request in the window of its stream and in the budget of all requests.
struct Share {
    _window: OwnedSemaphorePermit,
    _budget: Option<HeldBytes>,
}

/// `strongroom.v1.CryptoService/Pipeline`.
pub(super) async fn pipeline(
    services: &Services,
    rpc: &'static str,
    request: Request<Streaming<pb::PipelineRequest>>,
) -> Result<Response<Stream<pb::PipelineResponse>>, Status> {
    let (metadata, extensions, requests) = request.into_parts();
    let headers = metadata.into_headers();
    let correlation_id = origin(&headers, &extensions, rpc.to_owned()).correlation_id;
    let reservation = extensions.get::<BodyReservation>().cloned();
    let window = reservation.as_ref().map(BodyReservation::begin_stream);
    let window = window.and_then(|bytes| u32::try_from(bytes).ok()).unwrap_or(u32::MAX);
    // Each call is authenticated separately.
    let mut kept = peer::connection_extensions(&extensions);
    if let Some(deadline) = extensions.get::<Deadline>() {
        kept.insert(*deadline);
    }
    let pipeline = Pipeline {
        services: services.clone(),
        rpc,
        headers,
        extensions: kept,
        correlation_id,
        reservation,
        window,
    };
    let (responses, mut received) = mpsc::channel(MAX_UNANSWERED);
    tokio::spawn(pipeline.drive(requests, responses));
    let responses = stream::poll_fn(move |cx| received.poll_recv(cx)).map(|(response, _)| response);
    response(Ok(responses.boxed()), correlation_id)
}

/// An open stream.
struct Pipeline {
    services: Services,
    rpc: &'static str,
    headers: HeaderMap,
    extensions: Extensions,
    correlation_id: Uuid,
    reservation: Option<BodyReservation>,
    /// The size of the requests that may be unanswered, in bytes; a larger request fills it alone.
    window: u32,
}

/// The requests of a stream, with what has been obtained for the next one.
struct Requests {
    stream: Streaming<pb::PipelineRequest>,
    responses: mpsc::Sender<Sent>,
    free: Arc<Semaphore>,
    reservation: Option<BodyReservation>,
    room: Option<OwnedPermit<Sent>>,
    read: Option<Zeroizing<pb::PipelineRequest>>,
}

/// What is next in a stream.
#[expect(clippy::large_enum_variant, reason = "requests are by far the most frequent")]
enum Next {
    /// A request, the room for its response, and its share; an error if the budget of all requests is exhausted.
    Request(Zeroizing<pb::PipelineRequest>, OwnedPermit<Sent>, Result<Share, Error>),
    /// The client has closed its side.
    End,
    /// The stream cannot be read any further.
    Broken(Status),
}

impl Requests {
    /// Waits for room for a response, for a request, and for its share of the window. Nothing is lost if this is dropped
    /// before it completes.
    async fn next(&mut self, window: u32) -> Next {
        if self.room.is_none() {
            match self.responses.clone().reserve_owned().await {
                Ok(room) => self.room = Some(room),
                // The client is gone, which ends the stream.
                Err(_) => return std::future::pending().await,
            }
        }
        if self.read.is_none() {
            match self.stream.message().await {
                Ok(Some(request)) => self.read = Some(Zeroizing::new(request)),
                Ok(None) => return Next::End,
                Err(status) => return Next::Broken(status),
            }
        }
        let bytes = self.read.as_ref().map_or(0, |request| request.encoded_len());
        let size = u32::try_from(bytes).unwrap_or(u32::MAX).min(window);
        let share = Arc::clone(&self.free).acquire_many_owned(size).await;
        let held = self.reservation.as_ref().map(|reservation| reservation.take_message(bytes));
        match (self.read.take(), self.room.take(), share) {
            (Some(request), Some(room), Ok(window)) => {
                let share = held.transpose().map(|budget| Share { _window: window, _budget: budget });
                Next::Request(request, room, share)
            }
            // The window is never closed.
            _ => Next::End,
        }
    }
}

impl Pipeline {
    /// Runs the requests until the client has closed its side, and sends the status of a stream that ends otherwise.
    async fn drive(self, stream: Streaming<pb::PipelineRequest>, responses: mpsc::Sender<Sent>) {
        let free = Arc::new(Semaphore::new(usize::try_from(self.window).unwrap_or(Semaphore::MAX_PERMITS)));
        let requests = Requests {
            stream,
            responses: responses.clone(),
            free,
            reservation: self.reservation.clone(),
            room: None,
            read: None,
        };
        let end = catch_panics("a stream", async { Ok(self.run(requests, &responses).await) }).await;
        let Some(error) = end.unwrap_or_else(Some) else { return };
        let error = match error {
            Error::Stopping => error,
            error => self.record(error).await,
        };
        // A client that is gone does not need it.
        let _ = responses.send((Err(refusal(&error, self.correlation_id)), None)).await;
    }

    /// Runs the requests. Returns the error that ends the stream, unless the client does.
    async fn run(&self, mut requests: Requests, responses: &mpsc::Sender<Sent>) -> Option<Error> {
        let mut running = FuturesUnordered::new();
        let end = loop {
            tokio::select! {
                biased;
                () = responses.closed() => return None,
                () = self.services.closing.cancelled() => break Some(Error::Stopping),
                Some(()) = running.next() => {}
                next = requests.next(self.window) => match next {
                    Next::Request(request, room, share) => running.push(async move {
                        let id = request.id;
                        let (answered, share) = match share {
                            Ok(share) => (self.answer(request).await, Some(share)),
                            Err(error) => (Err(self.record(error).await), None),
                        };
                        let answered = answered.unwrap_or_else(|error| Answered::Error(error::message(&error)));
                        room.send((Ok(pb::PipelineResponse { id, response: Some(answered) }), share));
                    }),
                    Next::End => break None,
                    Next::Broken(status) => match self.broken(&status) {
                        Some(error) => break Some(error),
                        None => return None,
                    },
                },
            }
        };
        // Room that is not used would be missing for the status.
        drop(requests);
        tokio::select! {
            () = responses.closed() => {}
            () = async { while running.next().await.is_some() {} } => {}
        }
        end
    }

    /// Converts the framework's error for a stream that cannot be read; `None` if the client or the connection is gone.
    fn broken(&self, status: &Status) -> Option<Error> {
        if let Some(stopped) = self.reservation.as_ref().and_then(BodyReservation::body_error) {
            return Some(stopped.clone());
        }
        match status.code() {
            Code::Cancelled | Code::Unavailable | Code::Unknown => None,
            Code::OutOfRange | Code::ResourceExhausted => {
                Some(Error::RequestTooLarge { limit: usize::try_from(self.window).unwrap_or(usize::MAX) })
            }
            _ => Some(Error::invalid(Field::Request, status.message())),
        }
    }

    /// Runs one request.
    async fn answer(&self, mut message: Zeroizing<pb::PipelineRequest>) -> Outcome<Answered> {
        match message.request.take() {
            Some(Asked::Sign(message)) => {
                self.call::<Sign, _>(|| message.try_into()).await.map(Answered::Sign)
            }
            Some(Asked::Verify(message)) => {
                self.call::<Verify, _>(|| message.try_into()).await.map(Answered::Verify)
            }
            Some(Asked::Encrypt(message)) => {
                self.call_zeroizing::<_, Encrypt, _>(message).await.map(Answered::Encrypt)
            }
            Some(Asked::Decrypt(message)) => {
                self.call::<Decrypt, _>(|| message.try_into()).await.map(Answered::Decrypt)
            }
            Some(Asked::WrapKey(message)) => {
                self.call_zeroizing::<_, WrapKey, _>(message).await.map(Answered::WrapKey)
            }
            Some(Asked::UnwrapKey(message)) => {
                self.call::<UnwrapKey, _>(|| message.try_into()).await.map(Answered::UnwrapKey)
            }
            None => Err(self.record(Error::invalid(Field::Request, "the request is missing")).await),
        }
    }

    /// Runs one call. The message is converted after the caller is authenticated.
    fn call<O, R>(&self, parse: impl FnOnce() -> Outcome<O> + Send) -> impl Future<Output = Outcome<R>> + Send
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
        R: From<O::Reply> + Send,
    {
        let credential = credential(&self.headers, &self.extensions);
        self.services.engine.answer(credential, self.origin(), parse, R::from)
    }

    /// Like [`call`](Self::call), for messages with secrets: they are zeroized even if the caller is refused.
    async fn call_zeroizing<M, O, R>(&self, message: M) -> Outcome<R>
    where
        M: Default + Send + Zeroize,
        O: Operation<Target: Target<Plane: PlaneAccess>> + TryFrom<M, Error = Error>,
        R: From<O::Reply> + Send,
    {
        let mut message = Zeroizing::new(message);
        self.call::<O, R>(move || O::try_from(std::mem::take(&mut *message))).await
    }

    /// Records a message that is no call of an operation, and returns the error to reply with.
    async fn record(&self, error: Error) -> Error {
        let credential = credential(&self.headers, &self.extensions);
        let presented = (credential, ops::PIPELINE.audiences);
        let event = (ops::PIPELINE.event, Meter::Free);
        self.services.engine.refuse(presented, self.origin(), event, error).await
    }

    /// Returns the origin of a call: all calls of a stream have its correlation id.
    fn origin(&self) -> Origin {
        let correlation_id = self.correlation_id;
        Origin { correlation_id, ..origin(&self.headers, &self.extensions, self.rpc.to_owned()) }
    }
}
