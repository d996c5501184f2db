//! Which workers run, and which calls each of them has.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::link::Link;
use super::AfterForgetting;
use crate::call::Call;
use crate::model::Error;
use crate::profile::Profile;
use crate::protocol::{Request, Response};
use crate::queue::Job;
use crate::statistics::WorkerEnd;

/// The number of calls of the slow queue that the first worker has at a time: it runs one, and the next one waits for it
/// in the process.
const SLOW_DEPTH: usize = 1;

/// What a call adds to the load of a worker.
const LOAD: usize = 4;

/// What a short call adds to the load of a worker that runs one call at a time. More of them at a time are read and answered with
/// fewer system calls, and delay a later call by less than a long one does.
const SHORT_LOAD: usize = 1;

/// The number of failed starts in a row after which calls are refused while no worker runs.
const STARTS_BEFORE_REFUSAL: u32 = 2;

/// The number of calls in a row that fail with an error of the device after which a worker is examined.
const FAILURES_BEFORE_EXAMINATION: u32 = 3;

/// The number of calls in a row that fail with an error of the device after which a worker is replaced although it sees its token:
/// the state of the module in the process may be the reason.
const FAILURES_BEFORE_REPLACEMENT: u32 = 8;

/// The shortest time between such replacements of a worker: the reason may be a single key, or the device.
const REPLACEMENT_INTERVAL: Duration = Duration::from_secs(30);

/// The state of the workers of a token.
pub(super) struct State {
    pub(super) slots: Vec<Slot>,
    pub(super) closed: bool,
    /// Whether calls are dispatched again when the gate opens.
    pub(super) awaits_gate: bool,
    /// Calls to answer once the lock is released.
    pub(super) forgotten: Vec<Arc<AfterForgetting>>,
    /// The number of calls that a worker runs at a time.
    parallelism: usize,
    last_id: u64,
    /// The number of processes that were started.
    pub(super) starts: u64,
    /// The maximum number of processes.
    pub(super) most: usize,
    /// Whether a process may overlook an object that another one creates.
    overlooks_objects: bool,
    /// When a process that was started to find a key has not found it either.
    futile_at: Option<Instant>,
}

/// The place of one worker.
#[derive(Default)]
pub(super) struct Slot {
    /// `None` while no process runs.
    pub(super) link: Option<Arc<Link>>,
    /// The requests that the process has, by their identifier.
    pub(super) in_flight: HashMap<u64, InFlight>,
    /// The load of the calls of the fast queue.
    fast: usize,
    /// The number of calls of the slow queue.
    slow: usize,
    /// Whether a process is being started, or a start is planned.
    pub(super) starting: bool,
    /// A time before the process was started, if it has replaced another one.
    pub(super) started: Option<Instant>,
    /// Whether the process has answered a call with a result.
    pub(super) has_answered: bool,
    /// The number of processes in a row that failed to start, or ended before they answered a call.
    pub(super) failures: u32,
    /// Why the last one failed.
    pub(super) why: Option<String>,
    /// Whether the token rejected the PIN: it is not tried again.
    pub(super) pin_rejected: bool,
    /// Whether the process ends when it has answered its calls, and gets no more.
    pub(super) retiring: bool,
    /// Whether it is being checked that the worker sees its token, or it is logging in again.
    pub(super) examined: bool,
    /// Why the process is being killed.
    pub(super) end: Option<WorkerEnd>,
    /// The number of calls in a row that failed with an error of the device.
    pub(super) failed_calls: u32,
    /// When the process was last replaced because of such failures.
    pub(super) replaced_at: Option<Instant>,
}

/// A request that a worker process has.
#[expect(clippy::large_enum_variant, reason = "nearly all requests are calls")]
pub(super) enum InFlight {
    /// A call.
    Job(Job),
    /// A destroyed key to forget, for the call that destroyed it.
    Forget(Arc<AfterForgetting>),
    /// A login, and who waits for its result.
    LogIn(std::sync::mpsc::Sender<Response>),
}

impl State {
    /// The state of the workers of a token.
    pub(super) fn new(profile: &Profile) -> Self {
        Self {
            slots: Vec::new(),
            closed: false,
            awaits_gate: false,
            forgotten: Vec::new(),
            parallelism: profile.process_workers(),
            last_id: 0,
            starts: 0,
            // Kept, because finding the number of processors reads files.
            most: profile.processes(),
            overlooks_objects: profile.overlooks_objects,
            futile_at: None,
        }
    }

    /// A new identifier of a request.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Why calls are refused: no worker runs, and they fail to start.
    pub(super) fn refuses(&self) -> Option<String> {
        if self.slots.iter().any(|slot| slot.link.is_some()) {
            return None;
        }
        let failed = |slot: &&Slot| slot.failures >= STARTS_BEFORE_REFUSAL || slot.pin_rejected;
        self.slots
            .iter()
            .find(failed)
            .map(|slot| slot.why.clone().unwrap_or_else(|| "its worker processes fail to start".to_owned()))
    }

    /// The running worker with the least load of fast calls, if it has room for one: one more than it runs at a time may wait in
    /// the process.
    pub(super) fn least_loaded(&self) -> Option<usize> {
        let running = self.slots.iter().enumerate().filter(|(_, slot)| slot.is_usable());
        let (index, slot) = running.min_by_key(|(_, slot)| slot.fast)?;
        (slot.fast <= self.parallelism * LOAD).then_some(index)
    }

    /// Whether calls wait in every worker.
    pub(super) fn all_are_busy(&self) -> bool {
        self.slots.iter().all(|slot| slot.in_flight.len() > self.parallelism + 1)
    }

    /// What a call adds to the load of a worker.
    fn load(&self, call: &Call) -> usize {
        if self.parallelism == 1 && call.is_short() { SHORT_LOAD } else { LOAD }
    }

    /// Whether the first worker runs and has room for a slow call.
    pub(super) fn first_has_room(&self) -> bool {
        self.slots.first().is_some_and(|slot| slot.is_usable() && slot.slow < SLOW_DEPTH)
    }

    /// Gives a call to a worker.
    pub(super) fn assign(&mut self, slot: usize, job: Job, touched: &mut Vec<Arc<Link>>) {
        let load = self.load(&job.call);
        let Some(slot) = self.slots.get_mut(slot) else { return };
        let Some(link) = &slot.link else { return };
        let request: Request<&Call> = Request::Call { again: job.again, call: &job.call };
        if let Err(error) = link.push(job.id, &request) {
            job.answer(Err(Error::internal(error)));
            return;
        }
        if !touched.iter().any(|known| Arc::ptr_eq(known, link)) {
            touched.push(Arc::clone(link));
        }
        match job.call.is_slow() {
            true => slot.slow += 1,
            false => slot.fast += load,
        }
        slot.in_flight.insert(job.id, InFlight::Job(job));
    }

    /// Sends another request to a worker, if it runs. Returns the link to flush.
    pub(super) fn request(
        &mut self,
        slot: usize,
        waiting: InFlight,
        request: &Request<&Call>,
    ) -> Option<Arc<Link>> {
        let id = self.next_id();
        let slot = self.slots.get_mut(slot)?;
        let link = slot.link.clone()?;
        link.push(id, request).ok()?;
        slot.in_flight.insert(id, waiting);
        Some(link)
    }

    /// Removes a request that the worker has answered; `worked` means with a result.
    pub(super) fn finish(&mut self, slot: usize, id: u64, worked: bool) -> Option<InFlight> {
        let finished = self.slots.get_mut(slot)?.in_flight.remove(&id)?;
        if let InFlight::Job(job) = &finished {
            let load = self.load(&job.call);
            let slot = self.slots.get_mut(slot)?;
            match job.call.is_slow() {
                true => slot.slow -= 1,
                false => slot.fast -= load,
            }
            slot.has_answered |= worked;
            // That the token can be seen says nothing about the use of keys.
            if worked && !matches!(job.call, Call::Health) {
                slot.failed_calls = 0;
            }
        }
        Some(finished)
    }

    /// Counts a call that failed with an error of the device. Returns whether the worker is to be examined; decides whether it is
    /// replaced when it has answered its calls.
    pub(super) fn count_failure(&mut self, slot: usize) -> bool {
        let Some(slot) = self.slots.get_mut(slot) else { return false };
        slot.failed_calls += 1;
        let is_recent = slot.replaced_at.is_some_and(|at| at.elapsed() < REPLACEMENT_INTERVAL);
        if slot.failed_calls >= FAILURES_BEFORE_REPLACEMENT && !is_recent {
            (slot.failed_calls, slot.replaced_at, slot.retiring) = (0, Some(Instant::now()), true);
        }
        slot.failed_calls == FAILURES_BEFORE_EXAMINATION
    }

    /// Whether a call is repeated that has not found its key. A module may overlook an object that another process has created, so
    /// only the answer of a process that was started after the call is final. The worker is replaced by one.
    pub(super) fn doubts_absence(&mut self, slot: usize, job: &mut Job) -> bool {
        let is_recent = self.futile_at.is_some_and(|at| at.elapsed() < REPLACEMENT_INTERVAL);
        let Some(slot) = self.slots.get_mut(slot).filter(|_| self.overlooks_objects) else { return false };
        let doubted = *job.doubted.get_or_insert_with(Instant::now);
        if slot.started.is_some_and(|started| started > doubted) {
            self.futile_at = Some(Instant::now());
            return false;
        }
        // Calls for keys that are missing must not have workers replaced again and again.
        if is_recent {
            return false;
        }
        slot.retiring = true;
        true
    }

    /// Takes a worker out of use until it has logged in again. Returns whether that has to be started.
    pub(super) fn begin_login(&mut self, slot: usize) -> bool {
        let Some(slot) = self.slots.get_mut(slot) else { return false };
        slot.link.is_some() && !std::mem::replace(&mut slot.examined, true)
    }

    /// Removes everything that a worker has, whose process has ended.
    pub(super) fn abandon(&mut self, slot: usize) -> Vec<InFlight> {
        let Some(slot) = self.slots.get_mut(slot) else { return Vec::new() };
        (slot.fast, slot.slow, slot.examined, slot.retiring) = (0, 0, false, false);
        slot.failed_calls = 0;
        slot.link = None;
        slot.in_flight.drain().map(|(_, request)| request).collect()
    }

    /// Has all workers replaced when they have answered their calls. Returns the links of those that have none.
    pub(super) fn retire_all(&mut self) -> Vec<Arc<Link>> {
        let running = self.slots.iter_mut().filter(|slot| slot.link.is_some());
        let idle = running.filter_map(|slot| {
            slot.retiring = true;
            slot.in_flight.is_empty().then(|| slot.link.clone()).flatten()
        });
        idle.collect()
    }

    /// The link of a worker that has answered its last call.
    pub(super) fn retired(&self, slot: usize) -> Option<Arc<Link>> {
        let slot = self.slots.get(slot)?;
        if slot.retiring && slot.in_flight.is_empty() { slot.link.clone() } else { None }
    }

    /// Allows places whose PIN was rejected to start again. Returns them.
    pub(super) fn forgive_pin(&mut self) -> Vec<usize> {
        let mut startable = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            if std::mem::take(&mut slot.pin_rejected) && !slot.starting {
                (slot.failures, slot.starting) = (0, true);
                startable.push(index);
            }
        }
        startable
    }

    /// The link of the worker that has a request, which is killed for this reason.
    pub(super) fn end_worker_of(&mut self, id: u64, end: WorkerEnd) -> Option<Arc<Link>> {
        let slot = self.slots.iter_mut().find(|slot| slot.in_flight.contains_key(&id))?;
        slot.end = Some(end);
        slot.link.clone()
    }

    /// Whether another worker can be started: all run, and there are fewer than allowed.
    pub(super) fn can_start(&self) -> bool {
        !self.closed && self.slots.len() < self.most && self.slots.iter().all(|slot| slot.link.is_some())
    }

    /// Allows this number of processes. Returns the links of those beyond it that have no calls, and the places whose process was
    /// not replaced because it was beyond the earlier number.
    pub(super) fn limit(&mut self, most: usize) -> (Vec<Arc<Link>>, Vec<usize>) {
        self.most = most.max(1);
        let mut startable = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate().take(self.most) {
            if slot.link.is_none() && !slot.starting && !slot.pin_rejected {
                slot.starting = true;
                startable.push(index);
            }
        }
        let surplus = self.slots.iter_mut().skip(self.most).filter(|slot| slot.link.is_some());
        let idle = surplus.filter_map(|slot| {
            slot.retiring = true;
            slot.in_flight.is_empty().then(|| slot.link.clone()).flatten()
        });
        (idle.collect(), startable)
    }

    /// Whether a place is beyond the allowed number of processes, so that its process is not replaced. Places are used by their number,
    /// so that only the last ones are removed.
    pub(super) fn remove_surplus(&mut self, slot: usize) -> bool {
        if slot < self.most {
            return false;
        }
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.starting = false;
        }
        while self.slots.len() > self.most
            && self.slots.last().is_some_and(|last| last.link.is_none() && !last.starting)
        {
            self.slots.pop();
        }
        true
    }

    /// Adds a place for another worker that is being started.
    pub(super) fn begin_start(&mut self) -> Option<usize> {
        self.slots.push(Slot { starting: true, ..Slot::default() });
        self.slots.len().checked_sub(1)
    }
}

impl Slot {
    /// Whether it gets calls.
    fn is_usable(&self) -> bool {
        self.link.is_some() && !self.examined && !self.retiring
    }
}
