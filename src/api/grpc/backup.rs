//! Streams the states of a backup job, each of which is one call through the engine.
//!
//! Between messages the watch waits for a change of the job, so that a job that does not change causes no calls.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};
use tonic::{Request, Response, Status};

use super::services::Stream;
use super::streamed_calls::{NextMessage, StreamedCalls, respond};
use super::{Services, pb};
use crate::model::{Error, Result as Outcome};
use crate::ops::InHsm;
use crate::ops::backup::{GetJob, GetJobKind, JobState, WatchBackupJob, WatchRestoreJob};

/// The shortest time between two messages on the progress of a job.
const PERIOD: Duration = Duration::from_millis(500);

type Jobs = Stream<pb::BackupJob>;

/// `strongroom.v1.BackupService/WatchBackupJob`.
pub(super) async fn watch_backup_job(
    services: &Services,
    rpc: &'static str,
    request: Request<pb::WatchBackupJobRequest>,
) -> Result<Response<Jobs>, Status> {
    let (calls, operation, state) =
        StreamedCalls::open::<_, WatchBackupJob, _>(services, rpc, request, SentState::from).await?;
    JobWatch::open(calls, operation, state).await
}

/// `strongroom.v1.BackupService/WatchRestoreJob`.
pub(super) async fn watch_restore_job(
    services: &Services,
    rpc: &'static str,
    request: Request<pb::WatchRestoreJobRequest>,
) -> Result<Response<Jobs>, Status> {
    let (calls, operation, state) =
        StreamedCalls::open::<_, WatchRestoreJob, _>(services, rpc, request, SentState::from).await?;
    JobWatch::open(calls, operation, state).await
}

/// A state as a message, and what of it the watch compares.
struct SentState {
    message: pb::BackupJob,
    is_running: bool,
    keys: (u64, u64),
}

impl From<InHsm<JobState>> for SentState {
    fn from(state: InHsm<JobState>) -> Self {
        let (is_running, keys) = (state.item.job.is_running(), state.item.keys);
        Self { message: state.into(), is_running, keys }
    }
}

/// An open watch, with what it has sent.
struct JobWatch<K> {
    calls: StreamedCalls,
    operation: GetJob<K>,
    is_running: bool,
    keys: (u64, u64),
    pace: Interval,
}

impl<K: GetJobKind> JobWatch<K> {
    /// Returns the stream that begins with this state.
    async fn open(
        calls: StreamedCalls,
        operation: GetJob<K>,
        SentState { message, is_running, keys }: SentState,
    ) -> Result<Response<Jobs>, Status> {
        let mut pace = interval(PERIOD);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is immediate, and is that of the first message.
        pace.tick().await;
        respond(message, Self { calls, operation, is_running, keys, pace })
    }
}

impl<K: GetJobKind> NextMessage for JobWatch<K> {
    type Message = pb::BackupJob;

    async fn next(&mut self) -> Outcome<Option<pb::BackupJob>> {
        if !self.is_running {
            return Ok(None);
        }
        let Services { engine, closing, .. } = &self.calls.services;
        let GetJob { hsm, job, .. } = &self.operation;
        let (pace, keys) = (&mut self.pace, self.keys);
        let progress = async {
            pace.tick().await;
            engine.wait_for_progress_of_backup_job(*job, keys).await;
        };
        tokio::select! {
            biased;
            () = closing.cancelled() => return Err(Error::Stopping),
            () = engine.wait_for_end_of_backup_job(hsm, *job) => {}
            () = progress => {}
        }
        let SentState { message, is_running, keys } =
            self.calls.call(self.operation.clone(), SentState::from).await?;
        (self.is_running, self.keys) = (is_running, keys);
        Ok(Some(message))
    }

    fn calls(&self) -> &StreamedCalls {
        &self.calls
    }
}
