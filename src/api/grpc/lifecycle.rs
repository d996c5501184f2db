//! Streams lifecycle events in batches, each of which is one call through the engine.
//!
//! A watch keeps its position in the event log and buffers nothing: a slow client neither blocks other calls nor
//! grows memory. Between batches the watch waits for an event in its scope.

use futures_util::stream::{self, StreamExt as _};
use http::{Extensions, HeaderMap};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::services::Stream;
use super::{Services, credential, origin, pb, peer, refusal, response};
use crate::engine::PlaneAccess;
use crate::model::audit_entry::Origin;
use crate::model::event::{EventBatch, EventFilter};
use crate::model::{Error, Result as Outcome};
use crate::ops::Target;
use crate::ops::lifecycle::{WatchBudgets, WatchKeys, WatchManagedHsms, WatchOperation};

type Events = Stream<pb::WatchLifecycleResponse>;

/// `strongroom.v1.LifecycleService/WatchLifecycle`.
pub(super) async fn watch_lifecycle(
    services: &Services,
    rpc: &'static str,
    request: Request<pb::WatchLifecycleRequest>,
) -> Result<Response<Events>, Status> {
    // Only the kind of resource is inspected before the caller is authenticated; the operation parses the name.
    let parent = &request.get_ref().parent;
    match (parent.starts_with("subscriptions/"), parent.ends_with("/budgets")) {
        (true, true) => open::<WatchBudgets>(services.clone(), rpc, request).await,
        (true, false) => open::<WatchManagedHsms>(services.clone(), rpc, request).await,
        (false, _) => open::<WatchKeys>(services.clone(), rpc, request).await,
    }
}

/// An open watch: the caller's credential, the operation, and the current position.
struct Watch<O> {
    services: Services,
    rpc: &'static str,
    headers: HeaderMap,
    extensions: Extensions,
    correlation_id: Uuid,
    operation: O,
    until_now: bool,
    watched: EventFilter,
    position: u64,
    more: bool,
}

/// A batch as a message, and the position of the next one.
struct EncodedBatch {
    message: pb::WatchLifecycleResponse,
    is_empty: bool,
    watched: EventFilter,
    position: u64,
    more: bool,
}

impl From<EventBatch> for EncodedBatch {
    fn from(batch: EventBatch) -> Self {
        let EventBatch { watched, position, more, .. } = batch;
        Self { is_empty: batch.events.is_empty(), message: batch.into(), watched, position, more }
    }
}

/// The next step of a stream.
enum Next<O> {
    /// Send the batch that was read when the watch was opened.
    Send(Watch<O>, pb::WatchLifecycleResponse),
    /// Wait for the next batch.
    Wait(Watch<O>),
}

/// Reads the first batch, and returns the stream of all batches.
async fn open<O>(
    services: Services,
    rpc: &'static str,
    request: Request<pb::WatchLifecycleRequest>,
) -> Result<Response<Events>, Status>
where
    O: WatchOperation<Target: Target<Plane: PlaneAccess>> + TryFrom<pb::WatchLifecycleRequest, Error = Error>,
{
    let (metadata, extensions, message) = request.into_parts();
    let headers = metadata.into_headers();
    let origin = origin(&headers, &extensions, rpc.to_owned());
    let (correlation_id, until_now) = (origin.correlation_id, message.until_now);
    let mut parsed = None;
    let read = || O::try_from(message).inspect(|operation| parsed = Some(operation.clone()));
    let first =
        services.engine.answer(credential(&headers, &extensions), origin, read, EncodedBatch::from).await;
    let opened = first.and_then(|batch| {
        let operation = parsed.ok_or_else(|| Error::internal("a watch was answered before it was parsed"))?;
        Ok((operation, batch))
    });
    let (operation, EncodedBatch { watched, position, more, message, .. }) =
        opened.map_err(|error| refusal(&error, correlation_id))?;
    // Each batch is authenticated separately.
    let extensions = peer::connection_extensions(&extensions);
    let watch = Watch {
        services,
        rpc,
        headers,
        extensions,
        correlation_id,
        operation,
        until_now,
        watched,
        position,
        more,
    };
    let events = stream::try_unfold(Next::Send(watch, message), |next| async move {
        match next {
            Next::Send(watch, message) => Ok(Some((message, Next::Wait(watch)))),
            Next::Wait(mut watch) => match watch.next().await {
                Ok(Some(message)) => Ok(Some((message, Next::Wait(watch)))),
                Ok(None) => Ok(None),
                Err(error) => Err(refusal(&error, watch.correlation_id)),
            },
        }
    });
    response(Ok(events.boxed()), correlation_id)
}

impl<O> Watch<O>
where
    O: WatchOperation<Target: Target<Plane: PlaneAccess>>,
{
    /// Returns the next batch that has events; `None` at the end of a watch that ends.
    ///
    /// # Errors
    /// The engine's error for the next batch, or `Stopping` when the service stops.
    async fn next(&mut self) -> Outcome<Option<pb::WatchLifecycleResponse>> {
        loop {
            if !self.more {
                if self.until_now {
                    return Ok(None);
                }
                let engine = &self.services.engine;
                tokio::select! {
                    biased;
                    () = self.services.closing.cancelled() => return Err(Error::Stopping),
                    position = engine.wait_for_event(self.watched, self.position) => self.position = position,
                }
            } else if self.services.closing.is_cancelled() {
                return Err(Error::Stopping);
            }
            let batch = self.read().await?;
            self.position = batch.position;
            self.more = batch.more;
            if !batch.is_empty {
                return Ok(Some(batch.message));
            }
        }
    }

    /// Reads the next batch with the caller's credential.
    async fn read(&self) -> Outcome<EncodedBatch> {
        let origin = Origin {
            correlation_id: self.correlation_id,
            ..origin(&self.headers, &self.extensions, self.rpc.to_owned())
        };
        let operation = self.operation.clone().after(self.watched, self.position);
        let credential = credential(&self.headers, &self.extensions);
        self.services.engine.answer(credential, origin, || Ok(operation), EncodedBatch::from).await
    }
}
