//! Logins of worker processes that have lost theirs. The service decides on each, so that a PIN that the token rejects is tried by
//! one process only.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, PoisonError};

use super::super::link::Link;
use super::Workers;
use super::state::InFlight;
use crate::protocol::{Request, Response};

impl Workers {
    /// Has a worker, which gets no calls meanwhile, log in again. Its process is replaced if that fails.
    pub(super) fn log_in(self: &Arc<Self>, slot: usize) {
        let workers = Arc::clone(self);
        // The PIN is locked while another process starts or logs in.
        self.runtime.spawn_blocking(move || workers.log_in_when_allowed(slot));
    }

    fn log_in_when_allowed(self: &Arc<Self>, slot: usize) {
        let mut known = self.starter.pin.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((link, answer)) = self.request_login(slot, known.clone()) else { return };
        match answer.and_then(|answer| answer.recv_timeout(self.starter.profile.slow_call_timeout()).ok()) {
            Some(Response::Done) => {
                tracing::warn!(token = %self.token.serial, process = link.id, "a worker process has logged in to the token again");
                if let Some(place) = self.lock().slots.get_mut(slot) {
                    place.examined = false;
                }
                self.dispatch();
            }
            other => {
                if matches!(other, Some(Response::NotOpened { pin_rejected: true, .. })) {
                    *known = None;
                }
                tracing::warn!(token = %self.token.serial, process = link.id, "a worker process has lost its login to the token and is replaced");
                link.kill();
            }
        }
    }

    /// Sends the request to a worker that runs. Without a PIN, which the token has rejected, there is no answer.
    fn request_login(
        &self,
        slot: usize,
        pin: Option<secrecy::SecretString>,
    ) -> Option<(Arc<Link>, Option<Receiver<Response>>)> {
        let mut state = self.lock();
        let link = state.slots.get(slot)?.link.clone()?;
        let answer = pin.and_then(|pin| {
            let (waiting, answer) = channel();
            state.request(slot, InFlight::LogIn(waiting), &Request::LogIn(pin))?.flush();
            Some(answer)
        });
        Some((link, answer))
    }
}
