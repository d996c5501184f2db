//! Runs the requests of a stream concurrently, each as one call through the engine.
//!
//! A task of its own drives the stream, so that a call that has begun completes even while the client does not read the
//! responses. A request is read only when there is room for its response, which bounds what is kept for a stream.

use std::future::Future;

use futures_util::StreamExt as _;
use futures_util::stream::{self, FuturesUnordered};
use http::{Extensions, HeaderMap};
use prost::Message as _;
use tokio::sync::mpsc::{self, OwnedPermit};
use tonic::{Code, Request, Response, Status, Streaming};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

use super::pb::pipeline_request::Request as Asked;
use super::pb::pipeline_response::Response as Answered;
use super::services::Stream;
use super::{Services, credential, error, origin, pb, peer, refusal, response};
use crate::api::BodyReservation;
use crate::engine::{PlaneAccess, catch_panics};
use crate::model::audit_entry::{Meter, Origin};
use crate::model::{Error, Field, Result as Outcome};
use crate::ops::crypto::{Decrypt, Encrypt, Sign, UnwrapKey, Verify, WrapKey};
use crate::ops::{self, Operation, Target};

/// The maximum number of requests of a stream that are not answered, or whose responses are not sent.
const MAX_UNANSWERED: usize = 32;

/// The responses of a stream.
type Responses = mpsc::Sender<Result<pb::PipelineResponse, Status>>;

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
    let pipeline = Pipeline {
        services: services.clone(),
        rpc,
        headers,
        // Each call is authenticated separately.
        extensions: peer::connection_extensions(&extensions),
        correlation_id,
        window: reservation.as_ref().map_or(usize::MAX, BodyReservation::begin_stream),
        reservation,
    };
    let (responses, mut received) = mpsc::channel(MAX_UNANSWERED);
    tokio::spawn(pipeline.drive(requests, responses));
    response(Ok(stream::poll_fn(move |cx| received.poll_recv(cx)).boxed()), correlation_id)
}

/// An open stream.
struct Pipeline {
    services: Services,
    rpc: &'static str,
    headers: HeaderMap,
    extensions: Extensions,
    correlation_id: Uuid,
    /// The size of the requests, in bytes, from which on no further one is read until one is answered.
    window: usize,
    reservation: Option<BodyReservation>,
}

/// What is next in a stream.
enum Next {
    /// A request, and the room for its response.
    Request(pb::PipelineRequest, OwnedPermit<Result<pb::PipelineResponse, Status>>),
    /// The client has closed its side.
    End,
    /// The stream cannot be read any further.
    Broken(Error),
}

impl Pipeline {
    /// Runs the requests until the client has closed its side, and sends the status of a stream that ends otherwise.
    async fn drive(self, requests: Streaming<pb::PipelineRequest>, responses: Responses) {
        let end = catch_panics("a stream", async { Ok(self.run(requests, &responses).await) }).await;
        let Some(error) = end.map_or_else(Some, |end| end) else { return };
        let error = match error {
            Error::Stopping => error,
            error => self.record(error).await,
        };
        // A client that is gone does not need it.
        let _ = responses.send(Err(refusal(&error, self.correlation_id))).await;
    }

    /// Runs the requests. Returns the error that ends the stream, unless the client does.
    async fn run(
        &self,
        mut requests: Streaming<pb::PipelineRequest>,
        responses: &Responses,
    ) -> Option<Error> {
        let (mut running, mut unanswered) = (FuturesUnordered::new(), 0_usize);
        let mut room = None;
        let end = loop {
            tokio::select! {
                biased;
                () = responses.closed() => return None,
                () = self.services.closing.cancelled() => break Some(Error::Stopping),
                Some(size) = running.next() => unanswered = unanswered.saturating_sub(size),
                next = self.next(&mut requests, responses, &mut room), if unanswered < self.window => match next {
                    Next::Request(request, room) => {
                        let size = request.encoded_len();
                        unanswered = unanswered.saturating_add(size);
                        running.push(async move {
                            room.send(Ok(self.answer(request).await));
                            size
                        });
                    }
                    Next::End => break None,
                    Next::Broken(error) => break Some(error),
                },
            }
        };
        tokio::select! {
            () = responses.closed() => {}
            () = async { while running.next().await.is_some() {} } => {}
        }
        end
    }

    /// Waits for room for a response, and for a request. `room` keeps the room if this is dropped before there is a
    /// request.
    async fn next(
        &self,
        requests: &mut Streaming<pb::PipelineRequest>,
        responses: &Responses,
        room: &mut Option<OwnedPermit<Result<pb::PipelineResponse, Status>>>,
    ) -> Next {
        if room.is_none() {
            match responses.clone().reserve_owned().await {
                Ok(permit) => *room = Some(permit),
                // The client is gone, which ends the stream.
                Err(_) => return std::future::pending().await,
            }
        }
        match requests.message().await {
            Ok(Some(request)) => match room.take() {
                Some(room) => Next::Request(request, room),
                None => Next::Broken(Error::internal("a request was read without room for its response")),
            },
            Ok(None) => Next::End,
            Err(status) => Next::Broken(self.broken(&status)),
        }
    }

    /// Converts the framework's error for a stream that cannot be read.
    fn broken(&self, status: &Status) -> Error {
        if let Some(stopped) = self.reservation.as_ref().and_then(BodyReservation::body_error) {
            return stopped.clone();
        }
        match status.code() {
            Code::OutOfRange | Code::ResourceExhausted => Error::RequestTooLarge { limit: self.window },
            _ => Error::invalid(Field::Request, status.message()),
        }
    }

    /// Runs one request.
    async fn answer(&self, pb::PipelineRequest { id, request }: pb::PipelineRequest) -> pb::PipelineResponse {
        let answered = match request {
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
        };
        let answered = answered.unwrap_or_else(|error| Answered::Error(error::message(&error)));
        pb::PipelineResponse { id, response: Some(answered) }
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
