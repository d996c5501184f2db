//! The worker processes of one open token: dispatches calls to them, and replaces those that end.
//!
//! The first worker creates and destroys objects, so that one process changes the token at a time; all workers use keys.
//! More workers are started when calls wait, up to the number of the profile.

mod login;
mod recovery;
mod state;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use secrecy::SecretString;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::connection::unexpected;
use super::link::Link;
use super::opened::{OpenFailure, OpenedToken};
use crate::call::{Answer, Call};
use crate::capabilities::Capabilities;
use crate::gate::Gate;
use crate::model::name::VersionId;
use crate::model::{Error, Result};
use crate::profile::Profile;
use crate::protocol::{Request, Response, WipedBuffer};
use crate::queue::{Job, Queue};
use crate::queued_call::{NoAnswer, QueuedCall, Requester};
use crate::statistics::{Statistics, WorkerStates};
use crate::token_info::TokenInfo;
use crate::wire_error::WireError;
use state::{InFlight, Slot, State};

/// Starts a worker process that opens the token.
type Start = Box<dyn Fn(&SecretString, &Capabilities) -> Result<OpenedToken, OpenFailure> + Send + Sync>;

/// What starts the worker processes of a token, and how many.
pub(crate) struct Starter {
    pub(crate) start: Start,
    /// The PIN; `None` once the token has rejected it, so that no worker tries it again.
    pub(crate) pin: Mutex<Option<SecretString>>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) profile: Profile,
}

/// The worker processes of an open token.
pub(crate) struct Workers {
    pub(crate) token: TokenInfo,
    pub(crate) capabilities: Capabilities,
    starter: Starter,
    /// The keys in the token, as far as this service has seen them.
    keys: RwLock<HashSet<VersionId>>,
    fast: Queue,
    slow: Queue,
    state: Mutex<State>,
    /// Signals that a call has ended, or a worker.
    progress: Notify,
    runtime: Handle,
}

/// A call that has destroyed keys, answered when every worker has forgotten them.
struct AfterForgetting {
    job: Option<Job>,
}

impl Drop for AfterForgetting {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            job.answer(Ok(Answer::Done));
        }
    }
}

impl Workers {
    /// The workers of a token that the first of them has opened. Must be called in the context of a runtime.
    ///
    /// # Errors
    /// `Internal` if its socket cannot be used.
    pub(crate) fn new(starter: Starter, opened: OpenedToken) -> Result<Arc<Self>> {
        let runtime = Handle::try_current().map_err(Error::internal)?;
        let OpenedToken { connection, token, capabilities, keys } = opened;
        let profile = &starter.profile;
        let workers = Arc::new(Self {
            token,
            capabilities,
            keys: RwLock::new(keys.into_iter().collect()),
            fast: Queue::new(profile.queue),
            slow: Queue::new(profile.slow_queue),
            state: Mutex::new(State::new(profile)),
            starter,
            progress: Notify::new(),
            runtime,
        });
        let _context = workers.runtime.enter();
        let link = Link::new(connection).map_err(Error::internal)?;
        workers.lock().slots.push(Slot::default());
        workers.install(0, link, None);
        Ok(workers)
    }

    /// Runs a call.
    ///
    /// # Errors
    /// `TokenBusy` if too many calls wait; `DeadlineExceeded`; `TokenTimeout` if there is no answer in time; `TokenUnavailable`
    /// while no worker runs because they fail to start; the error of the call.
    pub(crate) async fn run(self: &Arc<Self>, call: Call, requester: Requester) -> Result<Answer> {
        let profile = &self.starter.profile;
        let (queue, timeout) = if call.is_slow() {
            (&self.slow, profile.slow_call_timeout())
        } else {
            (&self.fast, profile.call_timeout())
        };
        let id = {
            let mut state = self.lock();
            if let Some(why) = state.refuses() {
                return Err(Error::TokenUnavailable { why });
            }
            state.next_id()
        };
        let queued = QueuedCall::add(queue, id, call, requester)?;
        self.dispatch();
        let answer = queued.answer(timeout).await;
        if let Err(NoAnswer::TimedOut(_)) = answer {
            self.kill_worker_of(id);
        }
        Ok(answer?)
    }

    /// Whether the token holds this key, as far as this service has seen.
    pub(crate) fn holds(&self, key: VersionId) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).contains(&key)
    }

    /// The identifiers of the running processes, that of the first worker first.
    pub(crate) fn process_ids(&self) -> Vec<u32> {
        self.lock().slots.iter().filter_map(|slot| Some(slot.link.as_ref()?.id)).collect()
    }

    /// The state of the queues and the worker processes.
    pub(crate) fn statistics(&self) -> Statistics {
        let state = self.lock();
        let count =
            |is_counted: fn(&Slot) -> bool| state.slots.iter().filter(|slot| is_counted(slot)).count();
        Statistics {
            waiting: [self.fast.len(), self.slow.len()],
            capacity: [self.fast.capacity(), self.slow.capacity()],
            running: state.slots.iter().map(|slot| slot.in_flight.len()).sum(),
            workers: WorkerStates {
                running: count(|slot| slot.link.is_some()),
                starting: count(|slot| slot.link.is_none() && slot.starting),
                failed: count(|slot| slot.link.is_none() && !slot.starting),
            },
            worker_starts: state.starts,
            ..Statistics::default()
        }
    }

    /// Limits the processes by the sessions of the token, which this number of instances of the service share.
    pub(crate) fn share_sessions(self: &Arc<Self>, instances: usize) {
        if self.starter.profile.sessions_total > 0 {
            self.limit(self.starter.profile.processes_of(instances));
        }
    }

    /// Whether the workers have been told to end.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Rejects new calls, finishes those that wait, and ends the processes. Kills those that are still busy at the deadline, which
    /// is safe. Returns whether all calls ended in time.
    pub(crate) async fn drain(self: &Arc<Self>, deadline: Duration) -> bool {
        self.fast.close();
        self.slow.close();
        let idle = async {
            loop {
                let progress = self.progress.notified();
                let (fast, slow) = (self.fast.withdrawn(), self.slow.withdrawn());
                let waiting = self.fast.len() + self.slow.len();
                if waiting == 0 && self.lock().slots.iter().all(|slot| slot.in_flight.is_empty()) {
                    return;
                }
                tokio::select! {
                    () = progress => {}
                    () = fast => {}
                    () = slow => {}
                }
            }
        };
        let ended = tokio::time::timeout(deadline, idle).await.is_ok();
        let links: Vec<Arc<Link>> = {
            let mut state = self.lock();
            state.closed = true;
            state.slots.iter_mut().filter_map(|slot| slot.link.take()).collect()
        };
        let end = move || {
            for link in &links {
                if ended {
                    link.close();
                } else {
                    link.kill();
                }
            }
            for link in &links {
                link.wait();
            }
        };
        ended & self.runtime.spawn_blocking(end).await.is_ok()
    }

    /// Gives waiting calls to workers with room, and starts another worker if calls still wait.
    fn dispatch(self: &Arc<Self>) {
        let mut touched: Vec<Arc<Link>> = Vec::new();
        let start = {
            let mut state = self.lock();
            while let Some(slot) = state.least_loaded() {
                let Some(job) = self.fast.try_take() else { break };
                state.assign(slot, job, &mut touched);
            }
            while state.first_has_room() && self.slow.len() > 0 {
                let Some(passage) = self.starter.gate.try_pass() else {
                    self.dispatch_when_open(&mut state);
                    break;
                };
                let Some(mut job) = self.slow.try_take() else { break };
                job.passage = Some(passage);
                state.assign(0, job, &mut touched);
            }
            let calls_wait = self.fast.len() > 0 || state.all_are_busy();
            if calls_wait && state.can_start() { state.begin_start() } else { None }
        };
        for link in touched {
            link.flush();
        }
        if let Some(slot) = start {
            self.start_worker(slot, Duration::ZERO);
        }
    }

    /// Dispatches again when another process may change the directory of the token.
    fn dispatch_when_open(self: &Arc<Self>, state: &mut State) {
        if std::mem::replace(&mut state.awaits_gate, true) {
            return;
        }
        let workers = Arc::clone(self);
        self.runtime.spawn(async move {
            workers.starter.gate.opened().await;
            workers.lock().awaits_gate = false;
            workers.dispatch();
        });
    }

    /// Takes responses of a worker, gives it more calls, and answers.
    fn complete(self: &Arc<Self>, slot: usize, responses: Vec<(u64, Response)>) {
        let mut answers = Vec::with_capacity(responses.len());
        let (mut without_login, mut doubted) = (Vec::new(), Vec::new());
        let (mut log_in, mut examine) = (false, false);
        let retired = {
            let mut state = self.lock();
            for (id, response) in responses {
                // A forgotten key is answered when the last `AfterForgetting` is dropped, after the lock.
                match state.finish(slot, id, matches!(response, Response::Answer(_))) {
                    // The examination of a worker ends with its replacement.
                    Some(InFlight::Job(job))
                        if matches!(response, Response::LoginLost) && !job.is_examination() =>
                    {
                        log_in |= state.begin_login(slot);
                        without_login.push(job);
                    }
                    Some(InFlight::Job(mut job)) => {
                        if misses_key(&response) && state.doubts_absence(slot, &mut job) {
                            doubted.push(job);
                            continue;
                        }
                        if matches!(response, Response::Failed(WireError::Failed { .. })) {
                            examine |= state.count_failure(slot);
                        }
                        answers.push((job, response));
                    }
                    Some(InFlight::Forget(job)) => drop_later(&mut state, job),
                    Some(InFlight::LogIn(waiting)) => drop(waiting.send(response)),
                    None => {}
                }
            }
            state.retired(slot)
        };
        if !doubted.is_empty() {
            tracing::warn!(event = "worker.doubted", token = %self.token.serial, calls = doubted.len(), "a worker process does not see a key that the token should have, and is replaced");
        }
        for job in without_login.into_iter().chain(doubted) {
            self.repeat(job);
        }
        if log_in {
            self.log_in(slot);
        }
        self.dispatch();
        if examine {
            self.examine(slot);
        }
        let forgotten = std::mem::take(&mut self.lock().forgotten);
        drop(forgotten);
        if let Some(link) = retired {
            link.close();
        }
        for (job, response) in answers {
            let result = match response {
                Response::Answer(answer) => Ok(answer),
                Response::Failed(error) => Err(error.into()),
                Response::LoginLost => Err(Error::TokenUnavailable { why: "its login is lost".to_owned() }),
                _ => Err(unexpected()),
            };
            self.conclude(slot, job, result);
        }
        self.progress.notify_waiters();
    }

    /// Answers a call, after what follows from its result.
    fn conclude(self: &Arc<Self>, slot: usize, job: Job, result: Result<Answer>) {
        match (&job.call, &result) {
            (Call::Destroy { objects }, Ok(_)) => {
                let objects = objects.clone();
                {
                    let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
                    for object in &objects {
                        keys.remove(object);
                    }
                }
                return self.forget(slot, objects, job);
            }
            (Call::Holds { objects }, Ok(Answer::Held(held))) => {
                let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
                for (object, held) in objects.iter().zip(held) {
                    if *held {
                        keys.insert(*object)
                    } else {
                        keys.remove(object)
                    };
                }
            }
            (call, Ok(_)) if call.creates() => {
                if let Some(object) = call.object() {
                    self.keys.write().unwrap_or_else(PoisonError::into_inner).insert(object);
                }
            }
            (Call::Health, Err(_)) => self.examine(slot),
            (Call::Many(calls), Ok(Answer::Many(answers))) => {
                for (call, answer) in calls.iter().zip(answers) {
                    self.follow(slot, call, answer);
                }
            }
            (call, result) => self.follow(slot, call, result),
        }
        job.answer(result);
    }

    /// Does what follows from the failure of a call.
    fn follow(self: &Arc<Self>, slot: usize, call: &Call, result: &Result<Answer>) {
        match result {
            Err(Error::KeyMaterialMissing { version }) if call.object() == Some(*version) => {
                self.keys.write().unwrap_or_else(PoisonError::into_inner).remove(version);
            }
            // A second check decides: a token may fail a call while another process starts.
            Err(Error::TokenUnavailable { .. }) => self.examine(slot),
            _ => {}
        }
    }

    /// Tells the other workers that keys are destroyed, and then answers the call that destroyed them.
    fn forget(self: &Arc<Self>, by: usize, objects: Vec<VersionId>, job: Job) {
        let after = Arc::new(AfterForgetting { job: Some(job) });
        let request = Request::Forget(objects);
        let links: Vec<Arc<Link>> = {
            let mut state = self.lock();
            (0..state.slots.len())
                .filter(|slot| *slot != by)
                .filter_map(|slot| state.request(slot, InFlight::Forget(Arc::clone(&after)), &request))
                .collect()
        };
        for link in links {
            link.flush();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a key of a call was not found.
fn misses_key(response: &Response) -> bool {
    match response {
        Response::Failed(WireError::KeyMaterialMissing(_)) => true,
        Response::Answer(Answer::Many(answers)) => {
            answers.iter().any(|answer| matches!(answer, Err(Error::KeyMaterialMissing { .. })))
        }
        _ => false,
    }
}

/// Keeps what answers a call when it is dropped until the lock of the state is released.
fn drop_later(state: &mut State, job: Arc<AfterForgetting>) {
    state.forgotten.push(job);
}

impl Drop for Workers {
    fn drop(&mut self) {
        for slot in &self.lock().slots {
            if let Some(link) = &slot.link {
                link.close();
            }
        }
    }
}

/// Receives the responses of a worker until its process ends.
async fn receive(workers: Weak<Workers>, slot: usize, link: Arc<Link>) {
    let mut input = WipedBuffer::default();
    loop {
        let received = link.receive(&mut input).await;
        let Some(workers) = workers.upgrade() else { break };
        match received {
            Ok(responses) if responses.is_empty() => break,
            Ok(responses) => workers.complete(slot, responses),
            Err(error) => {
                tracing::warn!(token = %workers.token.serial, %error, "the socket of a worker process failed");
                link.kill();
                break;
            }
        }
    }
    let ended = Arc::clone(&link);
    let _ = tokio::task::spawn_blocking(move || ended.wait()).await;
    if let Some(workers) = workers.upgrade() {
        workers.lost(slot, &link);
    }
}
