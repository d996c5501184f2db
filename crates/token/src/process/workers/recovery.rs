//! Replacement of worker processes that ended, hang, or no longer see their token.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::super::link::Link;
use super::super::opened::OpenFailure;
use super::state::InFlight;
use super::{Workers, receive};
use secrecy::SecretString;

use crate::call::Call;
use crate::model::Error;
use crate::queue::{EXAMINER, Job};
use crate::statistics::{self, WorkerEnd};

/// The number of times that a call is given to a worker. A call that ends two processes may be the reason.
const ATTEMPTS: u8 = 2;

/// The delay before the second start in a row; it doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The maximum delay between starts: the time until a token that is back is noticed.
const MAX_DELAY: Duration = Duration::from_secs(5);

impl Workers {
    /// Starts to use a worker process, which was started after `started`.
    pub(super) fn install(self: &Arc<Self>, slot: usize, link: Link, started: Option<Instant>) {
        let link = Arc::new(link);
        {
            let mut state = self.lock();
            if state.closed {
                link.close();
                return;
            }
            state.starts += 1;
            let Some(place) = state.slots.get_mut(slot) else { return };
            place.link = Some(Arc::clone(&link));
            (place.starting, place.examined, place.has_answered) = (false, false, false);
            (place.end, place.started) = (None, started);
        }
        statistics::record_worker_start(&self.token.serial);
        tracing::info!(event = "worker.started", token = %self.token.serial, process = link.id, "a worker process of the token serves calls");
        self.runtime.spawn(receive(Arc::downgrade(self), slot, link));
        self.dispatch();
    }

    /// A worker process has ended: gives its calls to another one, and replaces it.
    pub(super) fn lost(self: &Arc<Self>, slot: usize, link: &Link) {
        let (abandoned, delay, retired, end) = {
            let mut state = self.lock();
            let end = state.slots.get_mut(slot).and_then(|place| place.end.take());
            let retired = state.retired(slot).is_some();
            let abandoned = state.abandon(slot);
            let is_needed = !state.closed && !state.remove_surplus(slot);
            let delay = state.slots.get_mut(slot).filter(|_| is_needed).map(|place| {
                // A process that has worked is replaced without delay.
                place.failures = if place.has_answered || retired { 1 } else { place.failures + 1 };
                place.starting = true;
                delay_after(place.failures)
            });
            (abandoned, delay, retired, end)
        };
        if delay.is_some() {
            let end = end.unwrap_or(if retired { WorkerEnd::Renewed } else { WorkerEnd::Exit });
            statistics::record_worker_end(&self.token.serial, end);
        }
        if delay.is_some() && !retired {
            tracing::warn!(event = "worker.ended", token = %self.token.serial, process = link.id, calls = abandoned.len(), "a worker process of the token ended");
        }
        for request in abandoned {
            if let InFlight::Job(job) = request {
                self.try_again(job);
            }
        }
        if let Some(delay) = delay {
            self.start_worker(slot, delay);
        }
        self.dispatch();
        self.progress.notify_waiters();
    }

    /// Queues a call whose worker ended. What is not repeatable is repeated as well: the worker first destroys the objects that
    /// the earlier attempt left under the identifier of the new key, which no caller has seen.
    fn try_again(&self, mut job: Job) {
        job.attempts += 1;
        if job.attempts >= ATTEMPTS {
            job.answer(Err(Error::TokenUnavailable {
                why: "its worker process ended during the call, twice".to_owned(),
            }));
            return;
        }
        self.repeat(job);
    }

    /// Queues a call again, before others. A call that nobody waits for is dropped.
    pub(super) fn repeat(&self, mut job: Job) {
        if job.reply.is_closed() {
            return;
        }
        (job.again, job.passage) = (true, None);
        let queue = if job.call.is_slow() { &self.slow } else { &self.fast };
        queue.put_back(job);
    }

    /// Replaces all workers, once they have answered their calls, with processes that load the module anew, and logs in with `pin`
    /// if it is given, even if the token has rejected a PIN.
    pub(crate) fn renew(self: &Arc<Self>, pin: Option<SecretString>) {
        let workers = Arc::clone(self);
        // A start in progress holds the PIN.
        self.runtime.spawn_blocking(move || workers.renew_when_started(pin));
    }

    fn renew_when_started(self: &Arc<Self>, pin: Option<SecretString>) {
        if let Some(pin) = pin {
            *self.starter.pin.lock().unwrap_or_else(PoisonError::into_inner) = Some(pin);
        }
        let (idle, startable) = {
            let mut state = self.lock();
            (state.retire_all(), state.forgive_pin())
        };
        for link in idle {
            link.close();
        }
        for slot in startable {
            self.start_worker(slot, Duration::ZERO);
        }
    }

    /// Uses at most this number of processes from now on. Those beyond it end once they have answered their calls.
    pub(crate) fn limit(self: &Arc<Self>, most: usize) {
        let (idle, startable) = {
            let mut state = self.lock();
            if state.most == most {
                return;
            }
            tracing::info!(event = "workers.limited", token = %self.token.serial, processes = most, "the number of worker processes is limited by the sessions of the token");
            state.limit(most)
        };
        for link in idle {
            link.close();
        }
        for slot in startable {
            self.start_worker(slot, Duration::ZERO);
        }
        self.dispatch();
    }

    /// Starts a worker process after a delay.
    pub(super) fn start_worker(self: &Arc<Self>, slot: usize, delay: Duration) {
        let workers = Arc::downgrade(self);
        let runtime = self.runtime.clone();
        self.runtime.spawn(async move {
            pause(delay).await;
            let Some(workers) = workers.upgrade() else { return };
            if workers.is_closed() {
                return;
            }
            let (starting, begun) = (Arc::clone(&workers), Instant::now());
            let started = runtime.spawn_blocking(move || {
                // Locked during the start: a PIN that the token rejects is not tried by the next worker.
                let mut known = starting.starter.pin.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(pin) = known.clone() else { return Err(pin_rejected_before()) };
                let started = (starting.starter.start)(&pin, &starting.capabilities);
                if started.as_ref().is_err_and(|failure| failure.pin_rejected) {
                    *known = None;
                }
                started
            });
            let started = started.await;
            // Meanwhile, fewer may be allowed.
            if workers.lock().remove_surplus(slot) {
                if let Ok(Ok(opened)) = started {
                    let _ = runtime.spawn_blocking(move || opened.connection.close()).await;
                }
                return;
            }
            let opened = match started {
                Ok(Ok(opened)) => Link::new(opened.connection).map_err(|error| Error::internal(error).into()),
                Ok(Err(failure)) => Err(failure),
                Err(error) => Err(Error::internal(error).into()),
            };
            match opened {
                Ok(link) => workers.install(slot, link, Some(begun)),
                Err(failure) => workers.start_failed(slot, &failure),
            }
        });
    }

    /// A worker process could not be started: plans the next start, unless the PIN was rejected.
    fn start_failed(self: &Arc<Self>, slot: usize, failure: &OpenFailure) {
        let text = match &*failure.error {
            Error::TokenUnavailable { why } => why.clone(),
            Error::Internal(_) => "its worker processes cannot be started".to_owned(),
            error => error.to_string(),
        };
        let end = if failure.pin_rejected { WorkerEnd::PinRejected } else { WorkerEnd::StartFailed };
        statistics::record_worker_end(&self.token.serial, end);
        let (delay, refuses, failures) = {
            let mut state = self.lock();
            let mut failures = 0;
            let delay = state.slots.get_mut(slot).and_then(|place| {
                place.failures += 1;
                failures = place.failures;
                place.why = Some(text);
                place.pin_rejected = failure.pin_rejected;
                place.starting = !failure.pin_rejected;
                place.starting.then(|| delay_after(place.failures))
            });
            (delay, state.refuses(), failures)
        };
        // Fewer and fewer, while it goes on.
        if failures.is_power_of_two() || failure.pin_rejected {
            tracing::error!(
                event = "worker.start_failed",
                token = %self.token.serial,
                error = %failure.error.with_causes(),
                failures,
                "a worker process of the token could not be started"
            );
        }
        if let Some(why) = refuses {
            while let Some(job) = self.fast.try_take().or_else(|| self.slow.try_take()) {
                job.answer(Err(Error::TokenUnavailable { why: why.clone() }));
            }
            self.progress.notify_waiters();
        }
        if let Some(delay) = delay {
            self.start_worker(slot, delay);
        }
    }

    /// Kills the worker process that has a call, which has not answered in time.
    pub(super) fn kill_worker_of(self: &Arc<Self>, id: u64) {
        let Some(link) = self.lock().end_worker_of(id, WorkerEnd::Timeout) else { return };
        tracing::error!(event = "worker.killed", token = %self.token.serial, process = link.id, "a call did not return in time: the worker process is killed");
        self.runtime.spawn_blocking(move || link.kill());
    }

    /// Checks that a worker that reported its token as unavailable sees it. If it does not, its process is replaced: a module
    /// often needs to be loaded again.
    pub(super) fn examine(self: &Arc<Self>, slot: usize) {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let link = {
            let mut state = self.lock();
            let id = state.next_id();
            match state.slots.get_mut(slot) {
                Some(place) if place.link.is_some() && !place.examined => place.examined = true,
                _ => return,
            }
            let job = Job {
                id,
                call: Call::Health,
                caller: EXAMINER,
                deadline: None,
                again: false,
                attempts: ATTEMPTS,
                doubted: None,
                reply,
                passage: None,
            };
            let mut touched = Vec::new();
            state.assign(slot, job, &mut touched);
            touched.pop()
        };
        let Some(link) = link else { return };
        link.flush();
        let workers = Arc::clone(self);
        self.runtime.spawn(async move {
            let timeout = workers.starter.profile.call_timeout();
            if let Ok(Ok(Ok(_))) = tokio::time::timeout(timeout, answer).await {
                if let Some(place) = workers.lock().slots.get_mut(slot) {
                    place.examined = false;
                }
                workers.dispatch();
                return;
            }
            if let Some(place) = workers.lock().slots.get_mut(slot) {
                place.end = Some(WorkerEnd::TokenLost);
            }
            tracing::warn!(event = "worker.lost_token", token = %workers.token.serial, process = link.id, "a worker process does not see its token any more and is replaced");
            let _ = workers.runtime.spawn_blocking(move || link.kill()).await;
        });
    }
}

/// Why a worker is not started: the token has rejected the PIN of another one.
fn pin_rejected_before() -> OpenFailure {
    let error =
        Error::TokenUnavailable { why: "the PIN was rejected before, and is not tried again".to_owned() };
    OpenFailure { error: Box::new(error), pin_rejected: true }
}

/// The delay before the start after this number of failures in a row.
fn delay_after(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        more => FIRST_DELAY.saturating_mul(1 << (more - 2).min(16)).min(MAX_DELAY),
    }
}

#[expect(clippy::disallowed_methods, reason = "processes are restarted in real time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_doubles_up_to_its_maximum() {
        let delays: Vec<u128> = (0..9).map(|failures| delay_after(failures).as_millis()).collect();
        assert_eq!(delays, [0, 0, 100, 200, 400, 800, 1600, 3200, 5000]);
        assert_eq!(delay_after(u32::MAX), MAX_DELAY);
    }
}
