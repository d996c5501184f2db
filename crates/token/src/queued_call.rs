//! A call that waits for its answer: until the token answers, the deadline of the caller passes, or the call times out.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::call::{Answer, Call};
use super::queue::{Caller, Job, Queue, Refusal};
use crate::model::{Error, Result};

/// Whom a call is for.
#[derive(Clone, Copy, Default)]
pub(super) struct Requester {
    /// Whose turn the call is.
    pub(super) caller: Caller,
    /// When the caller stops waiting.
    pub(super) deadline: Option<Instant>,
}

impl Requester {
    /// Checks that the caller still waits.
    ///
    /// # Errors
    /// `DeadlineExceeded`.
    pub(super) fn check_deadline(self) -> Result<()> {
        match self.deadline {
            Some(deadline) if deadline <= Instant::now() => Err(Error::DeadlineExceeded),
            _ => Ok(()),
        }
    }
}

/// A call in a queue. It leaves the queue when this is dropped, unless a worker has taken it.
pub(super) struct QueuedCall<'a> {
    queue: &'a Queue,
    id: u64,
    requester: Requester,
    answer: oneshot::Receiver<Result<Answer>>,
    is_answered: bool,
}

/// Why there is no answer.
pub(super) enum NoAnswer {
    /// The call ended with this error.
    Failed(Error),
    /// The worker has not answered in time.
    TimedOut(Error),
}

impl<'a> QueuedCall<'a> {
    /// Adds a call to a queue. `id` identifies it among those of its token.
    ///
    /// # Errors
    /// `DeadlineExceeded`; `TokenBusy` if the queue is full; `TokenUnavailable` if it is closed.
    pub(super) fn add(queue: &'a Queue, id: u64, call: Call, requester: Requester) -> Result<Self> {
        requester.check_deadline()?;
        let Requester { caller, deadline } = requester;
        let (reply, answer) = oneshot::channel();
        let job = Job {
            id,
            call,
            caller,
            deadline,
            again: false,
            attempts: 0,
            doubted: None,
            reply,
            passage: None,
        };
        queue.add(job).map_err(|refusal| match refusal {
            Refusal::Full => Error::TokenBusy,
            Refusal::Closed => Error::TokenUnavailable { why: "it is being closed".to_owned() },
        })?;
        Ok(Self { queue, id, requester, answer, is_answered: false })
    }

    /// Waits for the answer, at most for `timeout`. At the deadline of the caller, a call that no worker has taken fails with
    /// `DeadlineExceeded`; one that a worker has taken is completed.
    pub(super) async fn answer(mut self, timeout: Duration) -> Result<Answer, NoAnswer> {
        let started = tokio::time::Instant::now();
        let deadline = self.requester.deadline.map(tokio::time::Instant::from_std);
        let end = started + timeout;
        if let Some(deadline) = deadline.filter(|deadline| *deadline < end) {
            if let Ok(answer) = tokio::time::timeout_at(deadline, &mut self.answer).await {
                return self.received(answer);
            }
            if self.queue.withdraw(self.requester.caller, self.id) {
                self.is_answered = true;
                return Err(NoAnswer::Failed(Error::DeadlineExceeded));
            }
        }
        match tokio::time::timeout_at(end, &mut self.answer).await {
            Ok(answer) => self.received(answer),
            Err(_) => {
                let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                Err(NoAnswer::TimedOut(Error::TokenTimeout { milliseconds }))
            }
        }
    }

    fn received(
        &mut self,
        answer: Result<Result<Answer>, oneshot::error::RecvError>,
    ) -> Result<Answer, NoAnswer> {
        self.is_answered = true;
        let lost = |_| Err(Error::internal("a call to the token was lost"));
        answer.unwrap_or_else(lost).map_err(NoAnswer::Failed)
    }
}

impl Drop for QueuedCall<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.queue.withdraw(self.requester.caller, self.id);
        }
    }
}

impl From<NoAnswer> for Error {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Failed(error) | NoAnswer::TimedOut(error) => error,
        }
    }
}
