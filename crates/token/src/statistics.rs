//! The state of a token's queues and workers, and the metrics of its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{counter, histogram};
use strongroom_telemetry as telemetry;

use super::call::Answer;
use super::call_history::CallStatistics;
use crate::model::{Error, Result};

/// The state of the queues and workers of an open token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// The calls that wait for a worker: short ones, and those that create, import or destroy keys.
    pub waiting: [usize; 2],
    /// The number of calls that may wait in each of the two queues.
    pub capacity: [usize; 2],
    /// The calls that workers have.
    pub running: usize,
    /// The workers.
    pub workers: WorkerStates,
    /// The worker processes that were started since the token was opened; 0 for threads.
    pub worker_starts: u64,
    /// The calls since the token was opened.
    pub calls: CallStatistics,
}

/// The number of workers in each state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WorkerStates {
    /// They serve calls.
    pub running: usize,
    /// They are being started, or their start is planned.
    pub starting: usize,
    /// They are not started, because the token rejected the PIN.
    pub failed: usize,
}

/// A session that is counted until it is dropped.
pub(super) struct SessionCount(Arc<AtomicU64>);

impl SessionCount {
    /// Counts a session.
    pub(super) fn of(counter: &Arc<AtomicU64>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counter))
    }
}

impl Drop for SessionCount {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a worker process ended or did not start, in the metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WorkerEnd {
    /// It ended by itself, usually a crash of the module.
    Exit,
    /// It was killed, because a call did not return in time.
    Timeout,
    /// It was killed, because it did not see its token any more.
    TokenLost,
    /// It was replaced on request.
    Renewed,
    /// It could not be started.
    StartFailed,
    /// The token rejected the PIN.
    PinRejected,
}

impl WorkerEnd {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Timeout => "timeout",
            Self::TokenLost => "token_lost",
            Self::Renewed => "renewed",
            Self::StartFailed => "start_failed",
            Self::PinRejected => "pin_rejected",
        }
    }
}

/// Records the end of a worker process.
pub(super) fn record_worker_end(token: &str, end: WorkerEnd) {
    counter!(telemetry::TOKEN_WORKER_ENDS, "token" => token.to_owned(), "reason" => end.as_str())
        .increment(1);
}

/// Records the start of a worker process.
pub(super) fn record_worker_start(token: &str) {
    counter!(telemetry::TOKEN_WORKER_STARTS, "token" => token.to_owned()).increment(1);
}

/// Records a renewed login.
pub(super) fn record_login(token: &str) {
    counter!(telemetry::TOKEN_LOGINS, "token" => token.to_owned()).increment(1);
}

/// Records a call to a token.
pub(super) fn record_call(token: &str, call: &'static str, duration: Duration, result: &Result<Answer>) {
    histogram!(telemetry::TOKEN_CALL_SECONDS, "call" => call).record(duration);
    match result {
        Ok(Answer::Many(answers)) => {
            answers
                .iter()
                .filter_map(|answer| answer.as_ref().err())
                .for_each(|error| record_error(token, error));
        }
        Ok(_) => {}
        Err(error) => record_error(token, error),
    }
}

fn record_error(token: &str, error: &Error) {
    let is_of_token = matches!(
        error,
        Error::DeadlineExceeded
            | Error::KeyMaterialMissing { .. }
            | Error::TokenBusy
            | Error::TokenFailed { .. }
            | Error::TokenTimeout { .. }
            | Error::TokenUnavailable { .. }
    );
    if is_of_token {
        counter!(telemetry::TOKEN_ERRORS, "token" => token.to_owned(), "reason" => error.reason())
            .increment(1);
    }
}
