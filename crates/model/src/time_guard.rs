//! Decides from clock readings whether the system clock is trusted.
//!
//! The guard keeps a high-water mark, the latest trusted time. Wall-clock time that is further ahead than monotonic
//! time or the allowed downtime explains is shown, because most effects of a wrong time can be corrected later, but it
//! is not trusted: scheduled work that destroys data permanently is held. Time behind the mark is never shown.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Error, Result, Timestamp};

/// Maximum difference between wall-clock and monotonic progress between two readings for the clock to count as steady
/// during a hold: corrections by a time service are smaller, clocks set by hand are off by more.
const STEADY_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);
/// How far behind the mark the clock must be for this to be reported: time services step a clock by less.
const REPORT_BEHIND: SignedDuration = SignedDuration::from_secs(1);

/// Maximum number of status changes that wait to be reported.
const MAX_PENDING_CHANGES: usize = 64;

/// The two clocks of a machine, read together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockReading {
    /// The wall clock.
    pub wall: Timestamp,
    /// Monotonic time since an arbitrary instant, fixed per process. It may stand still while the machine is suspended.
    pub monotonic: Duration,
}

/// The limits of plausible wall-clock time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrustLimits {
    /// Maximum lead of the wall clock over monotonic time while the service runs.
    pub jump: SignedDuration,
    /// Maximum lead over the high-water mark when the service starts: the longest downtime that is trusted.
    pub stop: SignedDuration,
    /// Monotonic time for which a held wall clock must run steadily to be trusted again.
    pub proof: Duration,
}

impl Default for TrustLimits {
    /// One day for `jump` and `stop`; one week, the shortest retention interval, for `proof`.
    fn default() -> Self {
        let day = SignedDuration::from_hours(24);
        Self { jump: day, stop: day, proof: Duration::from_secs(7 * 86_400) }
    }
}

/// Why the wall clock is implausible.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldReason {
    /// It jumped ahead while the service ran, or the machine was suspended.
    Jump,
    /// It was too far ahead of the high-water mark when the service started.
    Stop,
}

impl HoldReason {
    /// Returns the name used on every surface and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jump => "jump",
            Self::Stop => "stop",
        }
    }
}

/// A hold: the wall clock is ahead and not trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold {
    /// The time that was shown when the hold began.
    pub since: Timestamp,
    /// Why the clock is not trusted.
    pub reason: HoldReason,
    /// How far the wall clock is ahead of the accounted time.
    pub ahead: SignedDuration,
    /// Monotonic time for which it has run steadily since.
    pub proven: Duration,
}

/// The stored state of a guard, which survives a restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GuardState {
    /// The high-water mark: the latest trusted time.
    pub mark: Timestamp,
    /// The latest time that was shown; ahead of the mark during a hold.
    pub seen: Timestamp,
    /// The current hold, if any.
    pub hold: Option<Hold>,
}

/// The status of the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockStatus {
    /// The clock is trusted.
    Running,
    /// The clock is too far ahead to be trusted.
    Held {
        /// Start and reason of the hold.
        hold: Hold,
        /// The accounted time: the last trusted time plus the monotonic time since.
        accounted_time: Timestamp,
    },
    /// The clock is behind the mark. Shown time continues from the mark at half speed until the clock catches up.
    Behind {
        /// How far the wall clock is behind the shown time.
        by: SignedDuration,
    },
}

impl ClockStatus {
    /// Returns the name that every surface uses.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Held { .. } => "held",
            Self::Behind { .. } => "behind",
        }
    }

    /// Checks that scheduled work may destroy data permanently.
    ///
    /// # Errors
    /// `ClockNotTrusted` while the clock is held or behind.
    pub fn check_trusted(&self) -> Result<()> {
        match self {
            Self::Running => Ok(()),
            Self::Held { .. } | Self::Behind { .. } => {
                Err(Error::ClockNotTrusted { standing: self.as_str() })
            }
        }
    }
}

/// A change of the clock's status, reported as a lifecycle event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockStatusChange {
    /// The wall clock is no longer trusted.
    Held,
    /// The wall clock is behind the high-water mark.
    Behind,
    /// The wall clock has caught up with the mark.
    CaughtUp,
    /// The wall clock was corrected.
    Corrected,
    /// The wall clock ran steadily for long enough to be trusted again.
    Proven,
    /// An authorized caller released the hold.
    Released,
}

/// The guard of one machine's clock.
#[derive(Clone, Debug)]
pub struct TimeGuard {
    limits: TrustLimits,
    /// Trusted time at a monotonic instant; the accounted time is computed from both.
    anchor: ClockReading,
    /// Whether the wall clock has been trusted since the start; from then on monotonic time accounts for it.
    settled: bool,
    last: ClockReading,
    mark: Timestamp,
    shown: Timestamp,
    hold: Option<Hold>,
    behind_reported: bool,
    pending: Vec<ClockStatusChange>,
}

impl TimeGuard {
    /// Creates a guard from the stored state; without one, the first reading is trusted.
    pub fn new(limits: TrustLimits, stored: Option<GuardState>, reading: ClockReading) -> Self {
        let mut guard = Self {
            limits,
            anchor: reading,
            settled: true,
            last: reading,
            mark: reading.wall,
            shown: reading.wall,
            hold: None,
            behind_reported: false,
            pending: Vec::new(),
        };
        let Some(stored) = stored else { return guard };
        guard.anchor.wall = stored.mark;
        guard.settled = false;
        guard.mark = stored.mark;
        guard.shown = stored.mark;
        guard.hold = stored.hold.map(|hold| {
            // Clock changes during the downtime are unknown. If the clock is not close to the last shown time, the
            // proof starts over.
            let steady =
                (-STEADY_TOLERANCE..=limits.stop).contains(&reading.wall.duration_since(stored.seen));
            Hold { proven: if steady { hold.proven } else { Duration::ZERO }, ..hold }
        });
        guard.observe(reading);
        guard
    }

    /// Processes a reading and returns the time to show.
    pub fn observe(&mut self, reading: ClockReading) -> Timestamp {
        let elapsed = signed(reading.monotonic.saturating_sub(self.last.monotonic));
        let progress = reading.wall.duration_since(self.last.wall);
        self.last = reading;
        let accounted = self.accounted();
        let ahead = reading.wall.duration_since(accounted);
        match self.hold {
            Some(_) if ahead <= self.limit() => {
                self.end_hold(ClockStatusChange::Corrected);
                // The time shown during the hold was wrong; continue from the mark.
                self.shown = self.mark;
                self.advance(reading.wall, SignedDuration::ZERO);
            }
            Some(hold) => {
                let steady =
                    progress.saturating_sub(elapsed).unsigned_abs() <= STEADY_TOLERANCE.unsigned_abs();
                let proven =
                    if steady { hold.proven.saturating_add(elapsed.unsigned_abs()) } else { Duration::ZERO };
                self.hold = Some(Hold { ahead, proven, ..hold });
                self.shown = self.shown.max(reading.wall);
                self.mark = self.mark.max(accounted);
                if proven >= self.limits.proof {
                    self.end_hold(ClockStatusChange::Proven);
                    self.trust(reading);
                }
            }
            None if ahead > self.limit() => {
                let reason = if self.settled { HoldReason::Jump } else { HoldReason::Stop };
                self.shown = self.shown.max(reading.wall);
                self.hold = Some(Hold { since: self.shown, reason, ahead, proven: Duration::ZERO });
                self.behind_reported = false;
                self.report(ClockStatusChange::Held);
            }
            None => self.advance(reading.wall, elapsed),
        }
        self.shown
    }

    /// Advances the shown time to the wall clock, or at half speed if the wall clock is behind.
    fn advance(&mut self, wall: Timestamp, elapsed: SignedDuration) {
        let slowed = self.shown.checked_add(elapsed / 2).unwrap_or(Timestamp::MAX);
        if wall >= slowed {
            self.shown = wall;
            // Trusted for the first time since the start, or caught up after the clock was set back.
            if !self.settled || self.accounted() > wall {
                self.anchor = self.last;
                self.settled = true;
            }
        } else {
            self.shown = slowed;
        }
        self.mark = self.mark.max(self.shown);
        let behind = self.shown.duration_since(wall);
        if behind > REPORT_BEHIND && !self.behind_reported {
            self.behind_reported = true;
            self.report(ClockStatusChange::Behind);
        } else if behind.is_zero() && self.behind_reported {
            self.behind_reported = false;
            self.report(ClockStatusChange::CaughtUp);
        }
    }

    /// Returns the accounted time at the last reading.
    fn accounted(&self) -> Timestamp {
        let since = self.last.monotonic.saturating_sub(self.anchor.monotonic);
        self.anchor.wall.checked_add(signed(since)).unwrap_or(Timestamp::MAX)
    }

    fn end_hold(&mut self, change: ClockStatusChange) {
        self.hold = None;
        self.report(change);
    }

    /// Queues a status change to report. The queue is bounded in case its consumer stops.
    fn report(&mut self, change: ClockStatusChange) {
        if self.pending.len() < MAX_PENDING_CHANGES {
            self.pending.push(change);
        }
    }

    /// Returns the maximum lead of the wall clock over the accounted time.
    const fn limit(&self) -> SignedDuration {
        if self.settled { self.limits.jump } else { self.limits.stop }
    }

    /// Trusts the wall clock as it is.
    fn trust(&mut self, reading: ClockReading) {
        self.last = reading;
        self.anchor = reading;
        self.settled = true;
        self.mark = reading.wall;
        self.shown = reading.wall;
        self.hold = None;
        self.behind_reported = false;
    }

    /// Trusts the wall clock as it is, on the authority of an authorized caller. Only this moves the mark back.
    pub fn release(&mut self, reading: ClockReading) {
        self.trust(reading);
    }

    /// Returns the clock's status at the last reading.
    pub fn status(&self) -> ClockStatus {
        match self.hold {
            Some(hold) => ClockStatus::Held { hold, accounted_time: self.accounted() },
            None if self.shown > self.last.wall => {
                ClockStatus::Behind { by: self.shown.duration_since(self.last.wall) }
            }
            None => ClockStatus::Running,
        }
    }

    /// Returns the latest time that has certainly been reached: the accounted time during a hold, otherwise the earlier
    /// of shown time and wall clock.
    pub fn certain_time(&self) -> Timestamp {
        match self.hold {
            Some(_) => self.accounted(),
            None => self.shown.min(self.last.wall),
        }
    }

    /// Returns the state to store.
    pub fn state(&self) -> GuardState {
        GuardState { mark: self.mark, seen: self.shown, hold: self.hold }
    }

    /// Returns the status changes not yet reported, oldest first.
    pub fn pending_changes(&self) -> &[ClockStatusChange] {
        &self.pending
    }

    /// Discards the first `count` pending status changes; they are reported.
    pub fn acknowledge_changes(&mut self, count: usize) {
        self.pending.drain(..count.min(self.pending.len()));
    }

    /// Returns the limits of plausible time.
    pub const fn limits(&self) -> TrustLimits {
        self.limits
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests;
