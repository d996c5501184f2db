//! The worker threads of an open token in this process, and their queues.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::call::{Answer, Call};
use super::device::Device;
use super::inline::Inline;
use super::queue::{Caller, Job, Queue, Refusal};
use super::worker;
use crate::model::{Error, Result};

/// The worker threads of a token. They end when this is dropped and their queues are empty.
pub(super) struct Threads {
    pub(super) device: Arc<Device>,
    inline: Inline,
    fast: Arc<Queue>,
    slow: Arc<Queue>,
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
        Ok(Self { device, inline, fast, slow, handles, ended })
    }

    /// Runs a call.
    pub(super) async fn run(&self, call: Call, caller: Caller) -> Result<Answer> {
        let call = match self.inline.run(call) {
            Ok(result) => return result,
            Err(call) => call,
        };
        let profile = &self.device.loaded.profile;
        let slow = call.is_slow();
        let timeout = if slow { profile.slow_call_timeout() } else { profile.call_timeout() };
        let (reply, answer) = oneshot::channel();
        let queue = if slow { &self.slow } else { &self.fast };
        let job = Job { id: 0, call, caller, again: false, attempts: 0, reply, passage: None };
        queue.add(job).map_err(|refusal| match refusal {
            Refusal::Full => Error::TokenBusy,
            Refusal::Closed => Error::TokenUnavailable { why: "it is being closed".to_owned() },
        })?;
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::internal("the token's worker thread ended during a call")),
            Err(_) => Err(Error::TokenTimeout {
                milliseconds: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            }),
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
