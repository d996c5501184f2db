//! Tracks the requests of a connection, and computes when it times out.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};

use super::admission::Slot;

/// The timeouts of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// The time from the TLS handshake to the first request.
    pub(super) first_request: Duration,
    /// The time without a request in progress.
    pub(super) idle: Duration,
    /// The maximum age without an authenticated request.
    pub(super) unauthenticated: Duration,
}

/// The state of a connection since its TLS handshake.
#[derive(Debug)]
pub(super) struct Activity {
    slot: Slot,
    since: Instant,
    /// The number of requests in progress.
    open: AtomicUsize,
    /// When the last request ended, in milliseconds after `since`.
    ended: AtomicU64,
    has_begun: AtomicBool,
    is_authenticated: AtomicBool,
}

impl Activity {
    /// Creates the state of a connection without requests.
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

    /// Returns the slot of the connection.
    pub(super) const fn slot(&self) -> &Slot {
        &self.slot
    }

    /// Registers a request, which is in progress until the returned guard is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> RequestGuard {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.has_begun.store(true, Ordering::Relaxed);
        RequestGuard(Arc::clone(self))
    }

    /// Registers that a request was authenticated.
    pub(super) fn mark_authenticated(&self) {
        // The load avoids contention: once the flag is set, requests only share the cache line.
        if !self.is_authenticated.load(Ordering::Relaxed)
            && !self.is_authenticated.swap(true, Ordering::Relaxed)
        {
            self.slot.mark_authenticated();
        }
    }

    /// Whether any request was authenticated.
    pub(super) fn is_authenticated(&self) -> bool {
        self.is_authenticated.load(Ordering::Relaxed)
    }

    /// Returns whether the connection has timed out, or how long to wait before asking again.
    pub(super) fn deadline(&self, limits: &Timeouts) -> Deadline {
        let now = self.since.elapsed();
        let at = if !self.has_begun.load(Ordering::Relaxed) {
            limits.first_request
        } else if self.open.load(Ordering::Relaxed) > 0 {
            // The earliest time at which the connection can have been idle for that long.
            now + limits.idle
        } else {
            Duration::from_millis(self.ended.load(Ordering::Relaxed)) + limits.idle
        };
        let at = if self.is_authenticated() { at } else { at.min(limits.unauthenticated) };
        if at <= now { Deadline::Now } else { Deadline::In(at - now) }
    }
}

/// When a connection times out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deadline {
    /// Now.
    Now,
    /// Not before this duration has passed.
    In(Duration),
}

/// A guard of a request in progress.
#[derive(Debug)]
pub(super) struct RequestGuard(Arc<Activity>);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let ended = u64::try_from(self.0.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.ended.store(ended, Ordering::Relaxed);
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A response body whose request is in progress until the body is sent or dropped.
pub(super) struct TrackedBody {
    pub(super) body: Body,
    pub(super) _open: RequestGuard,
}

impl HttpBody for TrackedBody {
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
    #[expect(clippy::disallowed_methods, reason = "connection timeouts use real time")]
    async fn connection_times_out_when_idle_but_not_during_requests() {
        let capacity = Capacity { connections: 1, reserved: 0, per_address: 1 };
        let address = IpAddr::from([127, 0, 0, 1]);
        let slot = Admission::new(capacity).acquire(address, Duration::from_secs(1)).await.unwrap();
        let activity = Arc::new(Activity::new(slot));
        let (never, hour) = (Duration::ZERO, Duration::from_secs(3600));
        let limits = |first_request, idle, unauthenticated| Timeouts { first_request, idle, unauthenticated };
        assert_eq!(activity.deadline(&limits(never, hour, hour)), Deadline::Now);
        assert_ne!(activity.deadline(&limits(hour, never, hour)), Deadline::Now);
        let open = activity.begin();
        std::thread::sleep(Duration::from_millis(2));
        let short = Duration::from_millis(1);
        assert_ne!(activity.deadline(&limits(never, short, hour)), Deadline::Now);
        assert_eq!(activity.deadline(&limits(never, short, never)), Deadline::Now);
        activity.mark_authenticated();
        assert_ne!(activity.deadline(&limits(never, short, never)), Deadline::Now);
        drop(open);
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(activity.deadline(&limits(never, short, never)), Deadline::Now);
        assert_ne!(activity.deadline(&limits(never, hour, never)), Deadline::Now);
    }
}
