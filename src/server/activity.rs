//! What one connection does: whether requests are under way on it, and when it must end for want of them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};

use super::admission::Slot;

/// How long a connection may do what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Have no complete request yet.
    pub(super) first_request: Duration,
    /// Have no request under way.
    pub(super) idle: Duration,
    /// Live without an authenticated request.
    pub(super) unauthenticated: Duration,
}

/// What a connection has done since its TLS handshake.
#[derive(Debug)]
pub(super) struct Activity {
    slot: Slot,
    since: Instant,
    /// Requests under way.
    open: AtomicUsize,
    /// When the last of them ended, in milliseconds since the beginning.
    ended: AtomicU64,
    has_begun: AtomicBool,
    is_authenticated: AtomicBool,
}

impl Activity {
    /// Nothing yet.
    pub(super) fn new(slot: Slot) -> Self {
        Self {
            slot,
            since: Instant::now(),
            open: AtomicUsize::new(0),
            ended: AtomicU64::new(0),
            has_begun: AtomicBool::new(false),
            is_authenticated: AtomicBool::new(false),
        }
    }

    /// Its slot among the connections that are served.
    pub(super) const fn slot(&self) -> &Slot {
        &self.slot
    }

    /// A request has come; it is under way until this is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.has_begun.store(true, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// A request was authenticated.
    pub(super) fn authenticated(&self) {
        // Asked first: once it is set, requests share the line of memory instead of taking it from each other.
        if !self.is_authenticated.load(Ordering::Relaxed)
            && !self.is_authenticated.swap(true, Ordering::Relaxed)
        {
            self.slot.authenticated();
        }
    }

    /// Whether a request was authenticated.
    pub(super) fn is_authenticated(&self) -> bool {
        self.is_authenticated.load(Ordering::Relaxed)
    }

    /// When it must end, unless something happens before; as a time since the beginning, and at the latest when that
    /// is to be asked again.
    pub(super) fn deadline(&self, limits: &Limits) -> Deadline {
        let now = self.since.elapsed();
        let at = if !self.has_begun.load(Ordering::Relaxed) {
            limits.first_request
        } else if self.open.load(Ordering::Relaxed) > 0 {
            // Asked again when it could have been idle for that long.
            now + limits.idle
        } else {
            Duration::from_millis(self.ended.load(Ordering::Relaxed)) + limits.idle
        };
        let at = if self.is_authenticated() { at } else { at.min(limits.unauthenticated) };
        if at <= now { Deadline::Now } else { Deadline::In(at - now) }
    }
}

/// When a connection must end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deadline {
    /// Now.
    Now,
    /// Not before so long from now.
    In(Duration),
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Open(Arc<Activity>);

impl Drop for Open {
    fn drop(&mut self) {
        let ended = u64::try_from(self.0.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.ended.store(ended, Ordering::Relaxed);
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of an answer: its request is under way until it is sent, or its stream is gone.
pub(super) struct Answer {
    pub(super) body: Body,
    pub(super) _open: Open,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
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
    use std::net::IpAddr;

    use super::super::admission::{Admission, Capacity};
    use super::*;

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "connections go by real time")]
    async fn a_connection_ends_without_requests_and_not_during_one() {
        let capacity = Capacity { connections: 1, reserved: 0, per_address: 1 };
        let address = IpAddr::from([127, 0, 0, 1]);
        let slot = Admission::new(capacity).slot(address, Duration::from_secs(1)).await.unwrap();
        let activity = Arc::new(Activity::new(slot));
        let (never, hour) = (Duration::ZERO, Duration::from_secs(3600));
        let limits = |first_request, idle, unauthenticated| Limits { first_request, idle, unauthenticated };
        assert_eq!(activity.deadline(&limits(never, hour, hour)), Deadline::Now);
        assert_ne!(activity.deadline(&limits(hour, never, hour)), Deadline::Now);
        let open = activity.begin();
        std::thread::sleep(Duration::from_millis(2));
        let short = Duration::from_millis(1);
        assert_ne!(activity.deadline(&limits(never, short, hour)), Deadline::Now);
        assert_eq!(activity.deadline(&limits(never, short, never)), Deadline::Now);
        activity.authenticated();
        assert_ne!(activity.deadline(&limits(never, short, never)), Deadline::Now);
        drop(open);
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(activity.deadline(&limits(never, short, never)), Deadline::Now);
        assert_ne!(activity.deadline(&limits(never, hour, never)), Deadline::Now);
    }
}
