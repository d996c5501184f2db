//! The queue of calls that wait for a worker: bounded, and fair between callers.
//!
//! Each caller has a queue of its own, and workers take from them in turn, so that a caller with many calls delays its own
//! calls and not those of others. When the queue is full, the caller with the most waiting calls loses its newest one.
//! A call whose caller is gone, or whose deadline has passed, leaves the queue without use of the token.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, oneshot};

use super::call::{Answer, Call};
use super::gate::Passage;
use crate::model::{Error, Result};

/// Identifies whoever the calls of a token handle are for, in the order of turns.
pub(super) type Caller = u64;

/// Stands for the service itself, which examines a worker process.
pub(super) const EXAMINER: Caller = Caller::MAX;

/// A call and the channel for its answer.
pub(super) struct Job {
    /// Identifies the call among those of its token.
    pub(super) id: u64,
    pub(super) call: Call,
    pub(super) caller: Caller,
    /// When the caller stops waiting. A call that has begun by then is completed.
    pub(super) deadline: Option<Instant>,
    /// Whether an earlier attempt failed.
    pub(super) again: bool,
    /// The number of workers that ended with this call.
    pub(super) attempts: u8,
    /// When a worker has answered first that it does not see a key of the call.
    pub(super) doubted: Option<Instant>,
    pub(super) reply: oneshot::Sender<Result<Answer>>,
    /// What keeps the token's directory from being changed by another process during the call.
    pub(super) passage: Option<Passage>,
}

impl Job {
    /// Whether the call finds out whether a worker process sees its token.
    pub(super) fn is_examination(&self) -> bool {
        self.caller == EXAMINER
    }

    /// Answers the call. Its caller may be gone, which is not an error.
    pub(super) fn answer(self, result: Result<Answer>) {
        drop(self.passage);
        let _ = self.reply.send(result);
    }
}

/// Why a job was not added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// The queue is full.
    Full,
    /// The queue is closed.
    Closed,
}

/// A bounded queue of jobs.
pub(super) struct Queue {
    capacity: usize,
    state: Mutex<State>,
    added: Condvar,
    withdrawn: Notify,
}

#[derive(Default)]
struct State {
    waiting: HashMap<Caller, VecDeque<Job>>,
    /// The callers with waiting jobs, in the order of their turns.
    turns: VecDeque<Caller>,
    length: usize,
    closed: bool,
}

impl Queue {
    /// A queue for at most `capacity` jobs.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default(), added: Condvar::new(), withdrawn: Notify::new() }
    }

    /// Adds a job. If the queue is full, the caller with the most waiting jobs loses its newest one: it is refused with
    /// `TokenBusy`.
    pub(super) fn add(&self, job: Job) -> Result<(), Refusal> {
        let refused = {
            let mut state = self.lock();
            if state.closed {
                return Err(Refusal::Closed);
            }
            let refused =
                if state.length < self.capacity { None } else { Some(state.make_room(job.caller)?) };
            state.push(job);
            refused
        };
        self.added.notify_one();
        if let Some(job) = refused {
            job.answer(Err(Error::TokenBusy));
        }
        Ok(())
    }

    /// Returns a job that a worker has taken and not run to the front. Also possible when the queue is full or closed.
    pub(super) fn put_back(&self, job: Job) {
        {
            let mut state = self.lock();
            let caller = job.caller;
            let jobs = state.waiting.entry(caller).or_default();
            jobs.push_front(job);
            if jobs.len() == 1 {
                state.turns.push_front(caller);
            }
            state.length += 1;
        }
        self.added.notify_one();
    }

    /// Removes a job that no worker has taken. Returns whether there was one.
    pub(super) fn withdraw(&self, caller: Caller, id: u64) -> bool {
        let withdrawn = self.lock().withdraw(caller, id);
        if withdrawn.is_some() {
            self.withdrawn.notify_waiters();
        }
        withdrawn.is_some()
    }

    /// Waits until a job is withdrawn, from the time of this call.
    pub(super) fn withdrawn(&self) -> Notified<'_> {
        self.withdrawn.notified()
    }

    /// Takes the next job, if there is one. Skips jobs whose caller is gone, or whose deadline has passed.
    pub(super) fn try_take(&self) -> Option<Job> {
        self.lock().take()
    }

    /// Waits for the next job. Returns `None` when the queue is closed and empty.
    pub(super) fn take(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.take() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.added.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The number of jobs that may wait.
    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// The number of waiting jobs.
    pub(super) fn len(&self) -> usize {
        self.lock().length
    }

    /// Refuses new jobs from now on.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.added.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, job: Job) {
        let caller = job.caller;
        let jobs = self.waiting.entry(caller).or_default();
        jobs.push_back(job);
        if jobs.len() == 1 {
            self.turns.push_back(caller);
        }
        self.length += 1;
    }

    fn take(&mut self) -> Option<Job> {
        loop {
            let caller = self.turns.pop_front()?;
            let Some(jobs) = self.waiting.get_mut(&caller) else { continue };
            let job = jobs.pop_front();
            if jobs.is_empty() {
                self.waiting.remove(&caller);
            } else {
                self.turns.push_back(caller);
            }
            let Some(job) = job else { continue };
            self.length -= 1;
            if job.reply.is_closed() {
                continue;
            }
            if job.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                job.answer(Err(Error::DeadlineExceeded));
                continue;
            }
            return Some(job);
        }
    }

    fn withdraw(&mut self, caller: Caller, id: u64) -> Option<Job> {
        let jobs = self.waiting.get_mut(&caller)?;
        let index = jobs.iter().position(|job| job.id == id)?;
        let job = jobs.remove(index);
        if jobs.is_empty() {
            self.waiting.remove(&caller);
            self.turns.retain(|other| *other != caller);
        }
        self.length -= 1;
        job
    }

    /// Removes the newest job of the caller with the most waiting jobs, if it has more than `caller`.
    fn make_room(&mut self, caller: Caller) -> Result<Job, Refusal> {
        let own = self.waiting.get(&caller).map_or(0, VecDeque::len);
        let largest = self.waiting.iter_mut().max_by_key(|(_, jobs)| jobs.len());
        match largest {
            // With one job more, the two would only change places.
            Some((_, jobs)) if jobs.len() > own + 1 => {
                let job = jobs.pop_back().ok_or(Refusal::Full)?;
                self.length -= 1;
                Ok(job)
            }
            _ => Err(Refusal::Full),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Reply = oneshot::Receiver<Result<Answer>>;

    fn job(caller: Caller, count: usize) -> (Job, Reply) {
        let (reply, answer) = oneshot::channel();
        (
            Job {
                id: 0,
                call: Call::Random { count },
                caller,
                deadline: None,
                again: false,
                attempts: 0,
                doubted: None,
                reply,
                passage: None,
            },
            answer,
        )
    }

    fn taken(queue: &Queue) -> Vec<(Caller, usize)> {
        let next = || match queue.try_take()? {
            Job { caller, call: Call::Random { count }, .. } => Some((caller, count)),
            _ => None,
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn callers_take_turns() {
        let queue = Queue::new(10);
        let mut replies = Vec::new();
        for (caller, count) in [(1, 0), (1, 1), (1, 2), (2, 3), (3, 4), (2, 5)] {
            let (job, reply) = job(caller, count);
            queue.add(job).unwrap();
            replies.push(reply);
        }
        assert_eq!(queue.len(), 6);
        assert_eq!(taken(&queue), [(1, 0), (2, 3), (3, 4), (1, 1), (2, 5), (1, 2)]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn full_queue_refuses_the_caller_with_the_most_jobs() {
        let queue = Queue::new(4);
        let mut replies = Vec::new();
        for count in 0..4 {
            let (job, reply) = job(1, count);
            queue.add(job).unwrap();
            replies.push(reply);
        }
        assert_eq!(queue.add(job(1, 4).0), Err(Refusal::Full));
        let (first, _first) = job(2, 10);
        let (second, _second) = job(2, 11);
        queue.add(first).unwrap();
        queue.add(second).unwrap();
        // Two each: nobody has more than the other.
        assert_eq!(queue.add(job(2, 12).0), Err(Refusal::Full));
        let refused: Vec<bool> = replies.iter_mut().map(|reply| reply.try_recv().is_ok()).collect();
        assert_eq!(refused, [false, false, true, true]);
        assert_eq!(taken(&queue), [(1, 0), (2, 10), (1, 1), (2, 11)]);
    }

    #[test]
    fn jobs_of_callers_that_are_gone_are_skipped() {
        let queue = Queue::new(4);
        let (first, gone) = job(1, 0);
        let (second, _reply) = job(1, 1);
        queue.add(first).unwrap();
        queue.add(second).unwrap();
        drop(gone);
        assert_eq!(taken(&queue), [(1, 1)]);
    }

    #[test]
    fn jobs_past_their_deadline_are_answered_and_skipped() {
        let queue = Queue::new(4);
        let (mut late, mut refused) = job(1, 0);
        late.deadline = Some(Instant::now());
        let (mut timely, _reply) = job(1, 1);
        timely.deadline = Some(Instant::now() + std::time::Duration::from_secs(3600));
        queue.add(late).unwrap();
        queue.add(timely).unwrap();
        assert_eq!(taken(&queue), [(1, 1)]);
        assert!(matches!(refused.try_recv(), Ok(Err(Error::DeadlineExceeded))));
    }

    #[test]
    fn withdrawn_job_frees_its_place_and_its_turn() {
        let queue = Queue::new(3);
        let mut replies = Vec::new();
        for (caller, count) in [(1, 0), (1, 1), (2, 2)] {
            let (mut job, reply) = job(caller, count);
            job.id = u64::try_from(count).unwrap();
            queue.add(job).unwrap();
            replies.push(reply);
        }
        assert!(queue.withdraw(2, 2) && queue.withdraw(1, 0));
        // Each has been withdrawn, or belongs to another caller.
        assert!(!queue.withdraw(2, 2) && !queue.withdraw(1, 0) && !queue.withdraw(2, 1));
        assert_eq!(queue.len(), 1);
        for count in [3, 4] {
            let (job, reply) = job(2, count);
            queue.add(job).unwrap();
            replies.push(reply);
        }
        assert_eq!(taken(&queue), [(1, 1), (2, 3), (2, 4)]);
    }

    #[test]
    fn returned_job_is_taken_next_even_from_a_closed_queue() {
        let queue = Queue::new(1);
        let (first, _first) = job(1, 0);
        let (second, _second) = job(2, 1);
        queue.add(first).unwrap();
        let returned = queue.try_take().unwrap();
        queue.add(second).unwrap();
        queue.close();
        queue.put_back(returned);
        assert!(matches!(queue.add(job(3, 2).0), Err(Refusal::Closed)));
        assert_eq!(queue.take().unwrap().caller, 1);
        assert_eq!(queue.take().unwrap().caller, 2);
        assert!(queue.take().is_none());
    }
}
