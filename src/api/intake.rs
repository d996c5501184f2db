//! The bodies of requests on their way in: how many bytes of them are held in all, and how long each may take.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::Sleep;

use crate::model::Error;

/// The part of all bytes that callers may take who are not authenticated: one in so many.
const UNAUTHENTICATED: usize = 8;

/// What a request may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the largest body.
    pub bytes: usize,
    /// How long a body may take to arrive.
    pub patience: Duration,
}

/// How many bytes of requests are held over all connections. A cheap handle.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Held>);

#[derive(Debug)]
struct Held {
    all: Share,
    /// Part of all.
    unauthenticated: Share,
}

#[derive(Debug)]
struct Share {
    taken: AtomicUsize,
    limit: usize,
}

impl Share {
    fn take(&self, bytes: usize) -> bool {
        let add = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= self.limit);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    fn give(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes: usize) -> Self {
        let share = |limit| Share { taken: AtomicUsize::new(0), limit };
        Self(Arc::new(Held { all: share(bytes), unauthenticated: share(bytes / UNAUTHENTICATED) }))
    }

    /// What one request takes of it, within its limits. Its body must be complete in time from when it is first waited
    /// for.
    pub fn intake(&self, limits: Limits) -> Intake {
        Intake(Arc::new(Taken {
            budget: self.clone(),
            limits,
            authenticated: AtomicBool::new(false),
            dropped: AtomicBool::new(false),
            of_all: AtomicUsize::new(0),
            of_unauthenticated: AtomicUsize::new(0),
            stopped: OnceLock::new(),
        }))
    }
}

/// What one request takes of the budget, until the last clone of this is dropped.
#[derive(Clone, Debug)]
pub struct Intake(Arc<Taken>);

#[derive(Debug)]
struct Taken {
    budget: Budget,
    limits: Limits,
    authenticated: AtomicBool,
    /// Whether bytes are dropped as they arrive.
    dropped: AtomicBool,
    of_all: AtomicUsize,
    of_unauthenticated: AtomicUsize,
    stopped: OnceLock<Error>,
}

impl Intake {
    /// The caller is known: its body may take of the whole budget.
    pub(super) fn authenticated(&self) {
        self.0.authenticated.store(true, Ordering::Relaxed);
    }

    /// From now on, what arrives is not kept and takes nothing.
    pub(super) fn drop_bytes(&self) {
        self.0.dropped.store(true, Ordering::Relaxed);
    }

    /// Takes bytes, as far as the limit goes: what is beyond it is kept by nobody.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where the budget is spent.
    pub(super) fn take(&self, bytes: usize) -> Result<(), Error> {
        let taken = &*self.0;
        if taken.dropped.load(Ordering::Relaxed) {
            return Ok(());
        }
        let held = &*taken.budget.0;
        let before = taken.of_all.load(Ordering::Relaxed);
        let bytes = bytes.min(taken.limits.bytes.saturating_sub(before));
        if !taken.authenticated.load(Ordering::Relaxed) {
            if !held.unauthenticated.take(bytes) {
                return Err(self.stop(Error::Overloaded));
            }
            taken.of_unauthenticated.fetch_add(bytes, Ordering::Relaxed);
        }
        if !held.all.take(bytes) {
            return Err(self.stop(Error::Overloaded));
        }
        taken.of_all.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Why the body was not taken to its end, if it was not.
    pub fn stopped(&self) -> Option<&Error> {
        self.0.stopped.get()
    }

    /// The body, taken like this.
    pub fn of<B>(&self, body: B) -> Incoming<B> {
        Incoming { body, intake: self.clone(), deadline: None }
    }

    fn stop(&self, why: Error) -> Error {
        self.0.stopped.get_or_init(|| why).clone()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let held = &*self.budget.0;
        held.all.give(*self.of_all.get_mut());
        held.unauthenticated.give(*self.of_unauthenticated.get_mut());
    }
}

/// A body that ends with an error when the budget is spent, or its time is over.
pub struct Incoming<B> {
    body: B,
    intake: Intake,
    /// Since something was waited for.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B> Incoming<B> {
    /// Whether its time is over.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let patience = self.intake.0.limits.patience;
        #[expect(clippy::disallowed_methods, reason = "timeouts use the machine's clock")]
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        deadline.as_mut().poll(cx).is_ready()
    }
}

impl<B> Body for Incoming<B>
where
    B: Body<Data = Bytes, Error: Into<axum::BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending if self.is_late(cx) => {
                let seconds = self.intake.0.limits.patience.as_secs();
                Poll::Ready(Some(Err(self.intake.stop(Error::RequestTooSlow { seconds }).into())))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                Poll::Ready(Some(self.intake.take(bytes).map(|()| frame).map_err(Into::into)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_given_back_and_callers_that_are_unknown_leave_room_for_others() {
        let budget = Budget::new(800);
        let intake = || budget.intake(Limits { bytes: 500, patience: Duration::from_secs(1) });
        let (first, second) = (intake(), intake());
        first.take(60).unwrap();
        assert_eq!(second.take(60), Err(Error::Overloaded));
        assert_eq!(second.stopped(), Some(&Error::Overloaded));
        let known = intake();
        known.authenticated();
        // No more than its limit counts.
        known.take(1000).unwrap();
        let other = intake();
        other.authenticated();
        assert_eq!(other.take(250), Err(Error::Overloaded));
        drop(known);
        intake().take(40).unwrap();
        let other = intake();
        other.authenticated();
        other.take(500).unwrap();
        drop((first, second, other));
        assert_eq!(budget.0.all.taken.load(Ordering::Relaxed), 0);
        assert_eq!(budget.0.unauthenticated.taken.load(Ordering::Relaxed), 0);
    }
}
