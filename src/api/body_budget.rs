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
pub struct BodyLimits {
    /// The largest body, in bytes.
    pub max_bytes: usize,
    /// The time that a body may take to arrive.
    pub timeout: Duration,
}

/// The number of request bytes that are buffered over all connections. A cheap handle.
#[derive(Clone, Debug)]
pub struct BodyBudget(Arc<Shares>);

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

impl BodyBudget {
    /// Creates a budget of `bytes` bytes.
    pub fn new(bytes: usize) -> Self {
        let share = |limit| Share { reserved: AtomicUsize::new(0), limit };
        Self(Arc::new(Shares { all: share(bytes), unauthenticated: share(bytes / UNAUTHENTICATED_DIVISOR) }))
    }

    /// Creates the reservation of one request, within `limits`. The time limit starts when the body is first waited for.
    pub fn reservation(&self, limits: BodyLimits) -> BodyReservation {
        BodyReservation(Arc::new(Reserved {
            budget: self.clone(),
            limits,
            authenticated: AtomicBool::new(false),
            discarding: AtomicBool::new(false),
            streaming: AtomicBool::new(false),
            total: AtomicUsize::new(0),
            unauthenticated: AtomicUsize::new(0),
            stopped: OnceLock::new(),
        }))
    }
}

/// The bytes reserved for one request. They are released when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct BodyReservation(Arc<Reserved>);

#[derive(Debug)]
struct Reserved {
    budget: BodyBudget,
    limits: BodyLimits,
    authenticated: AtomicBool,
    /// Whether arriving bytes are discarded instead of buffered.
    discarding: AtomicBool,
    /// Whether the body is a stream, which may take any time.
    streaming: AtomicBool,
    total: AtomicUsize,
    /// Also counted in `total`.
    unauthenticated: AtomicUsize,
    stopped: OnceLock<Error>,
}

impl BodyReservation {
    /// Marks the caller as authenticated: the body may use the whole budget.
    pub(super) fn mark_authenticated(&self) {
        self.0.authenticated.store(true, Ordering::Relaxed);
    }

    /// Discards the bytes that arrive from now on: they are neither buffered nor counted.
    pub(super) fn discard_bytes(&self) {
        self.0.discarding.store(true, Ordering::Relaxed);
    }

    /// Reserves `bytes` of the budget. Bytes beyond the request's limit are not buffered and not counted.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if the budget is exhausted.
    pub(super) fn reserve(&self, bytes: usize) -> Result<(), Error> {
        let reserved = &*self.0;
        if reserved.discarding.load(Ordering::Relaxed) {
            return Ok(());
        }
        let shares = &*reserved.budget.0;
        let before = reserved.total.load(Ordering::Relaxed);
        let bytes = bytes.min(reserved.limits.max_bytes.saturating_sub(before));
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
    pub fn body_error(&self) -> Option<&Error> {
        self.0.stopped.get()
    }

    /// Lifts the time limit of a body that is a stream of messages. Returns the limit of a body without streams, in bytes.
    pub(super) fn begin_stream(&self) -> usize {
        self.0.streaming.store(true, Ordering::Relaxed);
        self.0.limits.max_bytes
    }

    /// Exchanges the bytes of a stream that have arrived for those of the message that they make, after decompression.
    /// What has arrived of the next message is at most one frame, and is not counted.
    ///
    /// # Errors
    /// [`Error::Overloaded`] if the budget is exhausted.
    pub(super) fn take_message(&self, bytes: usize) -> Result<HeldBytes, Error> {
        let (reserved, shares) = (&*self.0, &*self.0.budget.0);
        shares.all.release(reserved.total.swap(0, Ordering::Relaxed));
        shares.unauthenticated.release(reserved.unauthenticated.swap(0, Ordering::Relaxed));
        match shares.all.reserve(bytes) {
            true => Ok(HeldBytes { budget: reserved.budget.clone(), bytes }),
            false => Err(Error::Overloaded),
        }
    }

    /// Wraps a body, so that its bytes are reserved as they arrive.
    pub fn wrap<B>(&self, body: B) -> ReservedBody<B> {
        ReservedBody { body, intake: self.clone(), deadline: None }
    }

    fn stop(&self, why: Error) -> Error {
        self.0.stopped.get_or_init(|| why).clone()
    }
}

/// The reserved bytes of a message of a stream, released when this is dropped.
#[derive(Debug)]
pub(super) struct HeldBytes {
    budget: BodyBudget,
    bytes: usize,
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.budget.0.all.release(self.bytes);
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
pub struct ReservedBody<B> {
    body: B,
    intake: BodyReservation,
    /// Started when the body is first waited for.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B> ReservedBody<B> {
    /// Whether the time limit has passed.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.intake.0.streaming.load(Ordering::Relaxed) {
            return false;
        }
        let patience = self.intake.0.limits.timeout;
        #[expect(clippy::disallowed_methods, reason = "timeouts use the machine's clock")]
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        deadline.as_mut().poll(cx).is_ready()
    }
}

impl<B> Body for ReservedBody<B>
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
                let seconds = self.intake.0.limits.timeout.as_secs();
                Poll::Ready(Some(Err(self.intake.stop(Error::RequestTooSlow { seconds }).into())))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                Poll::Ready(Some(self.intake.reserve(bytes).map(|()| frame).map_err(Into::into)))
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
        let budget = BodyBudget::new(800);
        let intake = || budget.reservation(BodyLimits { max_bytes: 500, timeout: Duration::from_secs(1) });
        let (first, second) = (intake(), intake());
        first.reserve(60).unwrap();
        assert_eq!(second.reserve(60), Err(Error::Overloaded));
        assert_eq!(second.body_error(), Some(&Error::Overloaded));
        let verified = intake();
        verified.mark_authenticated();
        // Only bytes up to the request's limit are counted.
        verified.reserve(1000).unwrap();
        let other = intake();
        other.mark_authenticated();
        assert_eq!(other.reserve(250), Err(Error::Overloaded));
        drop(verified);
        intake().reserve(40).unwrap();
        let other = intake();
        other.mark_authenticated();
        other.reserve(500).unwrap();
        drop((first, second, other));
        assert_eq!(budget.0.all.reserved.load(Ordering::Relaxed), 0);
        assert_eq!(budget.0.unauthenticated.reserved.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn stream_reserves_its_messages_and_what_has_arrived_of_the_next_one() {
        let budget = BodyBudget::new(800);
        let limits = BodyLimits { max_bytes: 500, timeout: Duration::from_secs(1) };
        let reserved = || budget.0.all.reserved.load(Ordering::Relaxed);
        let stream = budget.reservation(limits);
        stream.reserve(50).unwrap();
        stream.mark_authenticated();
        assert_eq!(stream.begin_stream(), 500);
        stream.reserve(250).unwrap();
        // Compression: the message is larger than what has arrived.
        let first = stream.take_message(400).unwrap();
        assert_eq!((reserved(), budget.0.unauthenticated.reserved.load(Ordering::Relaxed)), (400, 0));
        stream.reserve(300).unwrap();
        let second = stream.take_message(300).unwrap();
        assert_eq!(stream.take_message(101).unwrap_err(), Error::Overloaded);
        drop(first);
        assert_eq!(reserved(), 300);
        // An answered stream holds nothing.
        drop(second);
        assert_eq!(reserved(), 0);
    }
}
