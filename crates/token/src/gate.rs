//! Keeps the start of a worker process and the changes of other processes in one token directory apart.
//!
//! SoftHSM rewrites the record of a token while it starts and logs in, and another process that starts at the same moment fails to
//! read it. Calls that create or destroy objects pass the gate; who closes it waits until they have ended, and
//! keeps later ones out.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The gate of one module.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    /// Signals who waits to close the gate.
    left: Condvar,
    /// Signals who waits until it is open.
    opened: Notify,
}

#[derive(Default)]
struct State {
    /// The number of calls that have passed and not ended.
    inside: usize,
    closed: bool,
    /// The number of threads that wait to close the gate: they go first.
    closing: usize,
}

/// A call that has passed the gate, until it is dropped.
pub(crate) struct Passage(Arc<Gate>);

/// A closed gate, until it is dropped.
pub(crate) struct Closed<'a>(&'a Gate);

impl Gate {
    /// Passes the gate, if it is open.
    pub(crate) fn try_pass(self: &Arc<Self>) -> Option<Passage> {
        let mut state = self.lock();
        if state.closed || state.closing > 0 {
            return None;
        }
        state.inside += 1;
        Some(Passage(Arc::clone(self)))
    }

    /// Waits until the gate may be open.
    pub(crate) async fn opened(&self) {
        let opened = self.opened.notified();
        {
            let state = self.lock();
            if !state.closed && state.closing == 0 {
                return;
            }
        }
        opened.await;
    }

    /// Closes the gate, when the calls that have passed have ended. Blocks the thread.
    pub(crate) fn close(&self) -> Closed<'_> {
        let mut state = self.lock();
        state.closing += 1;
        while state.closed || state.inside > 0 {
            state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.closing -= 1;
        state.closed = true;
        Closed(self)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.left.notify_all();
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.lock().closed = false;
        self.0.left.notify_all();
        self.0.opened.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn closed_gate_keeps_calls_out_and_waits_for_those_inside() {
        let gate = Arc::new(Gate::default());
        let (one, two) = (gate.try_pass().unwrap(), gate.try_pass().unwrap());
        let closing = {
            let gate = Arc::clone(&gate);
            tokio::task::spawn_blocking(move || {
                let closed = gate.close();
                assert_eq!(gate.lock().inside, 0);
                assert!(gate.try_pass().is_none());
                drop(closed);
            })
        };
        while gate.lock().closing == 0 {
            tokio::task::yield_now().await;
        }
        assert!(gate.try_pass().is_none());
        let waiting = {
            let gate = Arc::clone(&gate);
            tokio::spawn(async move { gate.opened().await })
        };
        drop(one);
        assert!(!closing.is_finished() && !waiting.is_finished());
        drop(two);
        closing.await.unwrap();
        waiting.await.unwrap();
        assert!(gate.try_pass().is_some());
        assert_eq!(gate.lock().inside, 0);
    }
}
