//! The worker threads of an open token in this process, and their queues.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;

use super::call::{Answer, Call};
use super::device::Device;
use super::inline::Inline;
use super::queue::Queue;
use super::queued_call::{QueuedCall, Requester};
use super::statistics::{Statistics, WorkerStates};
use super::worker;
use crate::model::Result;

/// The worker threads of a token. They end when this is dropped and their queues are empty.
pub(super) struct Threads {
    pub(super) device: Arc<Device>,
    inline: Inline,
    fast: Arc<Queue>,
    slow: Arc<Queue>,
    last_id: AtomicU64,
    handles: Mutex<Vec<JoinHandle<()>>>,
    /// Closed when the last thread has ended.
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

impl Threads {
    /// Starts the threads.
    pub(super) fn start(device: Arc<Device>) -> Result<Self> {
        let profile = &device.loaded.profile;
        let (fast, slow) = (Arc::new(Queue::new(profile.queue)), Arc::new(Queue::new(profile.slow_queue)));
        let (alive, ended) = mpsc::channel(1);
        let mut handles = Vec::new();
        for _ in 0..profile.fast_workers() {
            handles.push(worker::start("token", &device, Arc::clone(&fast), alive.clone())?);
        }
        let inline = Inline::new(&device, &alive);
        handles.push(worker::start("token-slow", &device, Arc::clone(&slow), alive)?);
        let (handles, ended) = (Mutex::new(handles), tokio::sync::Mutex::new(ended));
        Ok(Self { device, inline, fast, slow, last_id: AtomicU64::default(), handles, ended })
    }

    /// Runs a call.
    pub(super) async fn run(&self, call: Call, requester: Requester) -> Result<Answer> {
        requester.check_deadline()?;
        if let Some(result) = self.inline.run(&call) {
            return result;
        }
        let _counted = self.inline.in_threads();
        let profile = &self.device.loaded.profile;
        let (queue, timeout) = if call.is_slow() {
            (&self.slow, profile.slow_call_timeout())
        } else {
            (&self.fast, profile.call_timeout())
        };
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        Ok(QueuedCall::add(queue, id, call, requester)?.answer(timeout).await?)
    }

    /// The state of the queues and the threads.
    pub(super) fn statistics(&self) -> Statistics {
        let waiting = [self.fast.len(), self.slow.len()];
        let threads = self.handles.lock().unwrap_or_else(PoisonError::into_inner).len();
        Statistics {
            waiting,
            capacity: [self.fast.capacity(), self.slow.capacity()],
            running: self.inline.calls_in_threads().saturating_sub(waiting.iter().sum()),
            workers: WorkerStates { running: threads, ..WorkerStates::default() },
            ..Statistics::default()
        }
    }

    /// Closes the queues and joins the threads. Returns whether all ended before `deadline`.
    pub(super) async fn drain(&self, deadline: Duration) -> bool {
        self.inline.close();
        self.fast.close();
        self.slow.close();
        let mut ended = self.ended.lock().await;
        if tokio::time::timeout(deadline, ended.recv()).await.is_err() {
            return false;
        }
        let threads = std::mem::take(&mut *self.handles.lock().unwrap_or_else(PoisonError::into_inner));
        let joined = threads.into_iter().all(|thread| thread.join().is_ok());
        self.device.close();
        joined
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.fast.close();
        self.slow.close();
    }
}
