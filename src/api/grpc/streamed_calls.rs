//! Runs the calls of a stream: each of its messages is one call through the engine, with the credential of its request.

use std::future::Future;

use futures_util::{StreamExt as _, stream};
use http::{Extensions, HeaderMap};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::services::Stream;
use super::{Services, credential, origin, peer, refusal, response};
use crate::engine::PlaneAccess;
use crate::model::audit_entry::Origin;
use crate::model::{Error, Result as Outcome};
use crate::ops::{Operation, Target};

/// The request of a stream: what its calls have in common.
pub(super) struct StreamedCalls {
    pub(super) services: Services,
    rpc: &'static str,
    headers: HeaderMap,
    extensions: Extensions,
    correlation_id: Uuid,
}

/// The messages of a stream after the first.
pub(super) trait NextMessage: Send + 'static {
    /// The type of the messages.
    type Message: Send + 'static;

    /// Returns the next message, when there is one; `None` at the end of the stream.
    ///
    /// # Errors
    /// The engine's error for the call, or `Stopping` when the service stops.
    fn next(&mut self) -> impl Future<Output = Outcome<Option<Self::Message>>> + Send;

    /// The request of the stream.
    fn calls(&self) -> &StreamedCalls;
}

impl StreamedCalls {
    /// Runs the first call. Returns the operation, for the following calls, and the reply as `show` renders it.
    ///
    /// # Errors
    /// The status of the call.
    pub(super) async fn open<M, O, R>(
        services: &Services,
        rpc: &'static str,
        request: Request<M>,
        show: impl FnOnce(O::Reply) -> R + Send,
    ) -> Result<(Self, O, R), Status>
    where
        M: Send,
        O: Operation<Target: Target<Plane: PlaneAccess>> + TryFrom<M, Error = Error> + Clone,
    {
        let (metadata, extensions, message) = request.into_parts();
        let headers = metadata.into_headers();
        let origin = origin(&headers, &extensions, rpc.to_owned());
        let correlation_id = origin.correlation_id;
        let mut parsed = None;
        let parse = || O::try_from(message).inspect(|operation| parsed = Some(operation.clone()));
        let first = services.engine.answer(credential(&headers, &extensions), origin, parse, show).await;
        let opened = first.and_then(|reply| {
            let operation =
                parsed.ok_or_else(|| Error::internal("a stream was answered before it was parsed"))?;
            Ok((operation, reply))
        });
        let (operation, reply) = opened.map_err(|error| refusal(&error, correlation_id))?;
        // The following calls are authenticated separately.
        let extensions = peer::connection_extensions(&extensions);
        let services = services.clone();
        Ok((Self { services, rpc, headers, extensions, correlation_id }, operation, reply))
    }

    /// Runs one of the following calls.
    ///
    /// # Errors
    /// The engine's error for the call.
    pub(super) async fn call<O, R>(&self, operation: O, show: impl FnOnce(O::Reply) -> R + Send) -> Outcome<R>
    where
        O: Operation<Target: Target<Plane: PlaneAccess>>,
    {
        let origin = Origin {
            correlation_id: self.correlation_id,
            ..origin(&self.headers, &self.extensions, self.rpc.to_owned())
        };
        let credential = credential(&self.headers, &self.extensions);
        self.services.engine.answer(credential, origin, || Ok(operation), show).await
    }
}

/// Returns the response with the stream of the first message and the following ones.
///
/// # Errors
/// None; the type is that of the handlers.
pub(super) fn respond<N: NextMessage>(
    first: N::Message,
    following: N,
) -> Result<Response<Stream<N::Message>>, Status> {
    let correlation_id = following.calls().correlation_id;
    let following = stream::try_unfold(following, |mut following| async move {
        match following.next().await {
            Ok(message) => Ok(message.map(|message| (message, following))),
            Err(error) => Err(refusal(&error, following.calls().correlation_id)),
        }
    });
    let messages = stream::once(async { Ok(first) }).chain(following);
    response(Ok(messages.boxed()), correlation_id)
}
