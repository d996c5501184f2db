//! Runs short calls to a software token on the thread of their caller.
//!
//! A software token computes a signature in memory, as this service computes its verification. To hand such a call to another
//! thread and to take the answer back costs more than the call. Calls that read the token's files, create
//! objects or take longer go to the worker threads, and so does every call to a token that may be slow: the profile decides.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::call::{Answer, Call};
use super::device::Device;
use super::executor::Executor;
use super::handles::Part;
use crate::model::Result;
use crate::model::key::KeyType;
use crate::model::name::VersionId;

/// The executors of calls on the threads of their callers.
pub(super) struct Inline {
    device: Arc<Device>,
    /// `None` when calls are rejected.
    idle: Mutex<Option<Vec<IdleExecutor>>>,
}

/// An executor, and what signals its end.
type IdleExecutor = (Executor, mpsc::Sender<()>);

impl Inline {
    /// As many executors as processors if the profile has calls run on the threads of their callers, otherwise none. Dropping `alive`
    /// signals the end of the last one.
    pub(super) fn new(device: &Arc<Device>, alive: &mpsc::Sender<()>) -> Self {
        // Injected faults make a token slow.
        let count = match device.loaded.profile.inline && device.settings.faults.is_none() {
            true => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            false => 0,
        };
        let executor = || (Executor::new(device), alive.clone());
        let idle = std::iter::repeat_with(executor).take(count).collect();
        Self { device: Arc::clone(device), idle: Mutex::new(Some(idle)) }
    }

    /// Runs a call if it is short and an executor is idle; otherwise returns `None`.
    pub(super) fn run(&self, call: &Call) -> Option<Result<Answer>> {
        if !self.is_short(call) {
            return None;
        }
        let (mut executor, alive) = self.lock().as_mut()?.pop()?;
        let result = executor.run(call, false);
        if let Some(idle) = &mut *self.lock() {
            idle.push((executor, alive));
        }
        Some(result)
    }

    /// Runs no more calls, and ends the executors.
    pub(super) fn close(&self) {
        let ended = self.lock().take();
        drop(ended);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<IdleExecutor>>> {
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
