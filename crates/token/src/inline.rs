//! Runs short calls to a software token on the thread of their caller, as long as the token has no other call.
//!
//! A software token computes a signature in memory, as this service computes its verification. To hand such a call to another
//! thread and to take the answer back costs more than the call. With more calls at a time, threads are awake anyway, and the locks
//! of the module make those slower that run at the same time as others: they go to the worker threads. So do calls that read the
//! token's files, create objects or take longer, and every call to a token that may be slow: the profile decides.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::call::{Answer, Call};
use super::device::Device;
use super::executor::Executor;
use super::handles::Part;
use crate::model::Result;
use crate::model::key::KeyType;
use crate::model::name::VersionId;

/// The executor of calls on the threads of their callers.
pub(super) struct Inline {
    device: Arc<Device>,
    /// `None` while it runs a call, if the profile has no calls run on the threads of their callers, and when calls are rejected.
    idle: Mutex<Option<IdleExecutor>>,
    closed: AtomicBool,
    /// The number of calls that the worker threads have.
    in_threads: AtomicUsize,
}

/// The executor, and what signals its end.
type IdleExecutor = (Executor, mpsc::Sender<()>);

/// A call that the worker threads have, until it is dropped.
pub(super) struct InThreads<'a>(&'a AtomicUsize);

impl Drop for InThreads<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Inline {
    /// An executor if the profile has calls run on the threads of their callers. Dropping `alive` signals its end.
    pub(super) fn new(device: &Arc<Device>, alive: &mpsc::Sender<()>) -> Self {
        // Injected faults make a token slow.
        let runs = device.loaded.profile.inline && device.settings.faults.is_none();
        let idle = runs.then(|| (Executor::new(device), alive.clone()));
        Self {
            device: Arc::clone(device),
            idle: Mutex::new(idle),
            closed: AtomicBool::new(false),
            in_threads: AtomicUsize::new(0),
        }
    }

    /// Counts a call that the worker threads have.
    pub(super) fn in_threads(&self) -> InThreads<'_> {
        self.in_threads.fetch_add(1, Ordering::Relaxed);
        InThreads(&self.in_threads)
    }

    /// The number of calls that the worker threads have.
    pub(super) fn calls_in_threads(&self) -> usize {
        self.in_threads.load(Ordering::Relaxed)
    }

    /// Runs a call if it is short and the token has no other one; otherwise returns `None`.
    pub(super) fn run(&self, call: &Call) -> Option<Result<Answer>> {
        if self.in_threads.load(Ordering::Relaxed) > 0 || !self.is_short(call) {
            return None;
        }
        let (mut executor, alive) = self.lock().take()?;
        let result = executor.run(call, false);
        let mut idle = self.lock();
        if !self.closed.load(Ordering::Relaxed) {
            *idle = Some((executor, alive));
        }
        Some(result)
    }

    /// Runs no more calls, and ends the executor.
    pub(super) fn close(&self) {
        let ended = {
            let mut idle = self.lock();
            self.closed.store(true, Ordering::Relaxed);
            idle.take()
        };
        drop(ended);
    }

    fn lock(&self) -> MutexGuard<'_, Option<IdleExecutor>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the call is short and uses a session copy of its key.
    fn is_short(&self, call: &Call) -> bool {
        let part = match call {
            Call::Sign { key_type: KeyType::Oct { .. }, .. } => Part::HmacCompanion,
            Call::Sign { .. } | Call::Encrypt { .. } | Call::Decrypt { .. } => Part::Main,
            _ => return false,
        };
        call.is_short() && call.object().is_some_and(|object| self.has_copy(object, part))
    }

    fn has_copy(&self, object: VersionId, part: Part) -> bool {
        let objects = self.device.handles.get(object);
        objects.is_some_and(|objects| objects.part(part).is_some_and(|handle| handle.copy().is_some()))
    }
}
