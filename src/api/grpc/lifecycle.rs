//! Streams lifecycle events in batches, each of which is one call through the engine.
//!
//! A watch keeps its position in the event log and buffers nothing: a slow client neither blocks other calls nor
//! grows memory. Between batches the watch waits for an event in its scope.

use tonic::{Request, Response, Status};

use super::services::Stream;
use super::streamed_calls::{NextMessage, StreamedCalls, respond};
use super::{Services, pb};
use crate::engine::PlaneAccess;
use crate::model::event::{EventBatch, EventFilter};
use crate::model::{Error, Result as Outcome};
use crate::ops::Target;
use crate::ops::lifecycle::{
    WatchBudgets, WatchCertificates, WatchKeys, WatchManagedHsms, WatchOperation, WatchSecrets, WatchVaults,
};

type Events = Stream<pb::WatchLifecycleResponse>;

/// `strongroom.v1.LifecycleService/WatchLifecycle`.
pub(super) async fn watch_lifecycle(
    services: &Services,
    rpc: &'static str,
    request: Request<pb::WatchLifecycleRequest>,
) -> Result<Response<Events>, Status> {
    // Only the kind of resource is inspected before the caller is authenticated; the operation parses the name.
    let parent = &request.get_ref().parent;
    let collection = parent.split('/').nth(2).unwrap_or_default();
    match (parent.starts_with("subscriptions/"), collection) {
        (true, "budgets") => open::<WatchBudgets>(services, rpc, request).await,
        (true, "vaults") => open::<WatchVaults>(services, rpc, request).await,
        (true, _) => open::<WatchManagedHsms>(services, rpc, request).await,
        (false, "secrets") => open::<WatchSecrets>(services, rpc, request).await,
        (false, "certificates") => open::<WatchCertificates>(services, rpc, request).await,
        (false, _) => open::<WatchKeys>(services, rpc, request).await,
    }
}

/// An open watch: its request, the operation, and the current position.
struct Watch<O> {
    calls: StreamedCalls,
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

/// Reads the first batch, and returns the stream of all batches.
async fn open<O>(
    services: &Services,
    rpc: &'static str,
    request: Request<pb::WatchLifecycleRequest>,
) -> Result<Response<Events>, Status>
where
    O: WatchOperation<Target: Target<Plane: PlaneAccess>> + TryFrom<pb::WatchLifecycleRequest, Error = Error>,
{
    let until_now = request.get_ref().until_now;
    let (calls, operation, first) =
        StreamedCalls::open::<_, O, _>(services, rpc, request, EncodedBatch::from).await?;
    let EncodedBatch { watched, position, more, message, .. } = first;
    respond(message, Watch { calls, operation, until_now, watched, position, more })
}

impl<O> NextMessage for Watch<O>
where
    O: WatchOperation<Target: Target<Plane: PlaneAccess>>,
{
    type Message = pb::WatchLifecycleResponse;

    /// Returns the next batch that has events; `None` at the end of a watch that ends.
    async fn next(&mut self) -> Outcome<Option<pb::WatchLifecycleResponse>> {
        let Services { engine, closing, .. } = &self.calls.services;
        loop {
            if !self.more {
                if self.until_now {
                    return Ok(None);
                }
                tokio::select! {
                    biased;
                    () = closing.cancelled() => return Err(Error::Stopping),
                    position = engine.wait_for_event(self.watched, self.position) => self.position = position,
                }
            } else if closing.is_cancelled() {
                return Err(Error::Stopping);
            }
            let operation = self.operation.clone().after(self.watched, self.position);
            let batch = self.calls.call(operation, EncodedBatch::from).await?;
            self.position = batch.position;
            self.more = batch.more;
            if !batch.is_empty {
                return Ok(Some(batch.message));
            }
        }
    }

    fn calls(&self) -> &StreamedCalls {
        &self.calls
    }
}
