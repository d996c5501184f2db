//! Streams audit records in batches, each of which is one call through the engine.
//!
//! A watch keeps its position in the log and buffers nothing. Between batches it waits for a record that matches.

use tonic::{Request, Response, Status};

use super::services::Stream;
use super::streamed_calls::{NextMessage, StreamedCalls, respond};
use super::{Services, pb};
use crate::model::{Error, Result as Outcome};
use crate::ops::audit::WatchAuditRecords;
use crate::ops::{AuditPage, AuditPosition};

type Records = Stream<pb::WatchAuditRecordsResponse>;

/// `strongroom.v1.AuditService/WatchAuditRecords`.
pub(super) async fn watch_audit_records(
    services: &Services,
    rpc: &'static str,
    request: Request<pb::WatchAuditRecordsRequest>,
) -> Result<Response<Records>, Status> {
    let until_now = request.get_ref().until_now;
    let (calls, operation, first) =
        StreamedCalls::open::<_, WatchAuditRecords, _>(services, rpc, request, Batch::from).await?;
    let Batch { message, position, more, .. } = first;
    respond(message, Watch { calls, operation, until_now, position, more })
}

/// An open watch: its request, and the current position.
struct Watch {
    calls: StreamedCalls,
    operation: WatchAuditRecords,
    until_now: bool,
    position: Option<AuditPosition>,
    more: bool,
}

/// A batch as a message, and the position of the next one.
struct Batch {
    message: pb::WatchAuditRecordsResponse,
    is_empty: bool,
    position: Option<AuditPosition>,
    more: bool,
}

impl From<AuditPage> for Batch {
    fn from(page: AuditPage) -> Self {
        Self {
            is_empty: page.found.records.is_empty(),
            position: page.found.next.clone(),
            more: !page.found.is_complete,
            message: page.into(),
        }
    }
}

impl NextMessage for Watch {
    type Message = pb::WatchAuditRecordsResponse;

    /// Returns the next batch that has records; `None` at the end of a watch that ends.
    async fn next(&mut self) -> Outcome<Option<pb::WatchAuditRecordsResponse>> {
        let Services { engine, closing, .. } = &self.calls.services;
        loop {
            if !self.more {
                if self.until_now {
                    return Ok(None);
                }
                tokio::select! {
                    biased;
                    () = closing.cancelled() => return Err(Error::Stopping),
                    position = engine.wait_for_audit_record(&self.operation.filter, self.position.clone()) => {
                        self.position = position?;
                    }
                }
            } else if closing.is_cancelled() {
                return Err(Error::Stopping);
            }
            let operation = WatchAuditRecords { after: self.position.clone(), ..self.operation.clone() };
            let Batch { message, is_empty, position, more } = self.calls.call(operation, Batch::from).await?;
            (self.position, self.more) = (position, more);
            if !is_empty {
                return Ok(Some(message));
            }
        }
    }

    fn calls(&self) -> &StreamedCalls {
        &self.calls
    }
}
