//! `strongroom.v1.LifecycleService`: a stream of batches, each of them a call through the engine.
//!
//! A watch holds its place in the log and nothing else: a client that reads slowly, or not at all, makes nothing
//! wait and nothing grow. Between batches it sleeps until something happens that concerns it.

use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{Extensions, HeaderMap};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::pb::{self, lifecycle_service_server::LifecycleService};
use super::{Services, credential, error, origin, peer, stamp};
use crate::engine::Gate;
use crate::model::entry::Origin;
use crate::model::event::{Batch, Watched};
use crate::model::{Error, Result as Outcome};
use crate::ops::Target;
use crate::ops::lifecycle::{WatchBudgets, WatchKeys, WatchManagedHsms, Watching};

const RPC: &str = "/strongroom.v1.LifecycleService/WatchLifecycle";

type Events = BoxStream<'static, Result<pb::WatchLifecycleResponse, Status>>;

#[tonic::async_trait]
impl LifecycleService for Services {
    type WatchLifecycleStream = Events;

    async fn watch_lifecycle(
        &self,
        request: Request<pb::WatchLifecycleRequest>,
    ) -> Result<Response<Events>, Status> {
        // The kind alone is seen before the caller is known; the name is read by its operation.
        let parent = &request.get_ref().parent;
        match (parent.starts_with("subscriptions/"), parent.ends_with("/budgets")) {
            (true, true) => open::<WatchBudgets>(self.clone(), request).await,
            (true, false) => open::<WatchManagedHsms>(self.clone(), request).await,
            (false, _) => open::<WatchKeys>(self.clone(), request).await,
        }
    }
}

/// A watch under way: who asks for what, and how far it has come.
struct Watch<O> {
    services: Services,
    headers: HeaderMap,
    extensions: Extensions,
    correlation_id: Uuid,
    asked: O,
    until_now: bool,
    watched: Watched,
    position: u64,
    more: bool,
}

/// A batch as its message, and where the next one begins.
struct Told {
    message: pb::WatchLifecycleResponse,
    is_empty: bool,
    watched: Watched,
    position: u64,
    more: bool,
}

impl From<Batch> for Told {
    fn from(batch: Batch) -> Self {
        let Batch { watched, position, more, .. } = batch;
        Self { is_empty: batch.events.is_empty(), message: batch.into(), watched, position, more }
    }
}

/// What a stream does next.
enum Next<O> {
    /// Tell what was read when it was opened.
    Tell(Watch<O>, pb::WatchLifecycleResponse),
    /// Wait for more.
    Wait(Watch<O>),
}

/// Reads the first batch, and makes the stream of it and of those that follow.
async fn open<O>(
    services: Services,
    request: Request<pb::WatchLifecycleRequest>,
) -> Result<Response<Events>, Status>
where
    O: Watching<Target: Target<Plane: Gate>> + TryFrom<pb::WatchLifecycleRequest, Error = Error>,
{
    let (metadata, extensions, message) = request.into_parts();
    let headers = metadata.into_headers();
    let origin = origin(&headers, &extensions, RPC.to_owned());
    let (correlation_id, until_now) = (origin.correlation_id, message.until_now);
    let mut asked = None;
    let read = || O::try_from(message).inspect(|operation| asked = Some(operation.clone()));
    let first = services.engine.answer(credential(&headers, &extensions), origin, read, Told::from).await;
    let opened = first.and_then(|batch| {
        let asked = asked.ok_or_else(|| Error::internal("a watch was answered that was not asked for"))?;
        Ok((asked, batch))
    });
    let (asked, Told { watched, position, more, message, .. }) =
        opened.map_err(|error| refusal(&error, correlation_id))?;
    // Each batch is authenticated anew.
    let extensions = peer::lasting(&extensions);
    let watch =
        Watch { services, headers, extensions, correlation_id, asked, until_now, watched, position, more };
    let events = stream::try_unfold(Next::Tell(watch, message), |next| async move {
        match next {
            Next::Tell(watch, message) => Ok(Some((message, Next::Wait(watch)))),
            Next::Wait(mut watch) => match watch.next().await {
                Ok(Some(message)) => Ok(Some((message, Next::Wait(watch)))),
                Ok(None) => Ok(None),
                Err(error) => Err(refusal(&error, watch.correlation_id)),
            },
        }
    });
    let mut response = Response::new(events.boxed());
    stamp(response.metadata_mut(), correlation_id);
    Ok(response)
}

impl<O> Watch<O>
where
    O: Watching<Target: Target<Plane: Gate>>,
{
    /// The next batch with events in it; `None` at the end of a watch that has one.
    ///
    /// # Errors
    /// Whatever the engine tells the caller now, `Stopping` when the service ends.
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
                    position = engine.concerned(self.watched, self.position) => self.position = position,
                }
            } else if self.services.closing.is_cancelled() {
                return Err(Error::Stopping);
            }
            let told = self.read().await?;
            self.position = told.position;
            self.more = told.more;
            if !told.is_empty {
                return Ok(Some(told.message));
            }
        }
    }

    /// Asks for what comes next, as the caller it was.
    async fn read(&self) -> Outcome<Told> {
        let origin = Origin {
            correlation_id: self.correlation_id,
            ..origin(&self.headers, &self.extensions, RPC.to_owned())
        };
        let asked = self.asked.clone().after(self.watched, self.position);
        let credential = credential(&self.headers, &self.extensions);
        self.services.engine.answer(credential, origin, || Ok(asked), Told::from).await
    }
}

fn refusal(refused: &Error, correlation_id: Uuid) -> Status {
    let mut status = error::status(refused);
    stamp(status.metadata_mut(), correlation_id);
    status
}
