//! Limits on request bodies: the bytes buffered over all connections, and the time that each body may take to arrive.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::Sleep;

use crate::model::Error;

/// Unauthenticated requests may use one part in this many of the whole budget.
const UNAUTHENTICATED_DIVISOR: usize = 8;

/// The limits of one request body.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest body, in bytes.
    pub bytes: usize,
    /// The time that a body may take to arrive.
    pub patience: Duration,
}

/// The number of request bytes that are buffered over all connections. A cheap handle.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shares>);

#[derive(Debug)]
struct Shares {
    all: Share,
    /// Also counted in `all`.
    unauthenticated: Share,
}

#[derive(Debug)]
struct Share {
    reserved: AtomicUsize,
    limit: usize,
}

impl Share {
    /// Reserves `bytes`, and returns whether they fit.
    fn reserve(&self, bytes: usize) -> bool {
        let add = |reserved: usize| reserved.checked_add(bytes).filter(|total| *total <= self.limit);
        self.reserved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    fn release(&self, bytes: usize) {
        self.reserved.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Budget {
    /// Creates a budget of `bytes` bytes.
    pub fn new(bytes: usize) -> Self {
        let share = |limit| Share { reserved: AtomicUsize::new(0), limit };
        Self(Arc::new(Shares { all: share(bytes), unauthenticated: share(bytes / UNAUTHENTICATED_DIVISOR) }))
    }

    /// Creates the reservation of one request, within `limits`. The time limit starts when the body is first waited for.
    pub fn intake(&self, limits: Limits) -> Intake {
        Intake(Arc::new(Reserved {
            budget: self.clone(),
            limits,
            authenticated: AtomicBool::new(false),
            discarding: AtomicBool::new(false),
            total: AtomicUsize::new(0),
            unauthenticated: AtomicUsize::new(0),
            stopped: OnceLock::new(),
        }))
    }
}

/// The bytes reserved for one request. They are released when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Intake(Arc<Reserved>);

#[derive(Debug)]
struct Reserved {
    budget: Budget,
    limits: Limits,
    authenticated: AtomicBool,
    /// Whether arriving bytes are discarded instead of buffered.
    discarding: AtomicBool,
    total: AtomicUsize,
    /// Also counted in `total`.
    unauthenticated: AtomicUsize,
    stopped: OnceLock<Error>,
}

impl Intake {
    /// Marks the caller as authenticated: the body may use the whole budget.
    pub(super) fn authenticated(&self) {
        self.0.authenticated.store(true, Ordering::Relaxed);
    }

    /// Discards the bytes that arrive from now on: they are neither buffered nor counted.
    pub(super) fn drop_bytes(&self) {
        self.0.discarding.store(true, Ordering::Relaxed);
    }

    /// Reserves `bytes` of the budget. Bytes beyond the request's limit are not buffered and not counted.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if the budget is exhausted.
    pub(super) fn take(&self, bytes: usize) -> Result<(), Error> {
        let reserved = &*self.0;
        if reserved.discarding.load(Ordering::Relaxed) {
            return Ok(());
        }
        let shares = &*reserved.budget.0;
        let before = reserved.total.load(Ordering::Relaxed);
        let bytes = bytes.min(reserved.limits.bytes.saturating_sub(before));
        if !reserved.authenticated.load(Ordering::Relaxed) {
            if !shares.unauthenticated.reserve(bytes) {
                return Err(self.stop(Error::Overloaded));
            }
            reserved.unauthenticated.fetch_add(bytes, Ordering::Relaxed);
        }
        if !shares.all.reserve(bytes) {
            return Err(self.stop(Error::Overloaded));
        }
        reserved.total.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// The error that ended the body early, if any.
    pub fn stopped(&self) -> Option<&Error> {
        self.0.stopped.get()
    }

    /// Wraps a body, so that its bytes are reserved as they arrive.
    pub fn of<B>(&self, body: B) -> Incoming<B> {
        Incoming { body, intake: self.clone(), deadline: None }
    }

    fn stop(&self, why: Error) -> Error {
        self.0.stopped.get_or_init(|| why).clone()
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let shares = &*self.budget.0;
        shares.all.release(*self.total.get_mut());
        shares.unauthenticated.release(*self.unauthenticated.get_mut());
    }
}

/// A body that reserves its bytes as they arrive. It fails when the budget is exhausted or its time limit has passed.
pub struct Incoming<B> {
    body: B,
    intake: Intake,
    /// Started when the body is first waited for.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B> Incoming<B> {
    /// Whether the time limit has passed.
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
    fn budget_is_released_and_caps_unauthenticated_requests() {
        let budget = Budget::new(800);
        let intake = || budget.intake(Limits { bytes: 500, patience: Duration::from_secs(1) });
        let (first, second) = (intake(), intake());
        first.take(60).unwrap();
        assert_eq!(second.take(60), Err(Error::Overloaded));
        assert_eq!(second.stopped(), Some(&Error::Overloaded));
        let verified = intake();
        verified.authenticated();
        // Only bytes up to the request's limit are counted.
        verified.take(1000).unwrap();
        let other = intake();
        other.authenticated();
        assert_eq!(other.take(250), Err(Error::Overloaded));
        drop(verified);
        intake().take(40).unwrap();
        let other = intake();
        other.authenticated();
        other.take(500).unwrap();
        drop((first, second, other));
        assert_eq!(budget.0.all.reserved.load(Ordering::Relaxed), 0);
        assert_eq!(budget.0.unauthenticated.reserved.load(Ordering::Relaxed), 0);
    }
}
