//! Whether the machine's clock can be believed: pure rules over readings of it.
//!
//! The guard keeps a mark, the newest time that was believed. Wall-clock time that is further ahead than monotonic time, or
//! the length of a stop, can explain is shown, since most of what goes by time can be put right later, but it is not
//! believed: what destroys for good because its time has come waits. Time behind the mark is not shown at all.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Error, Result, Timestamp};

/// By how much an observation of the wall clock may differ from monotonic time while it is proving itself: corrections by
/// a time service are smaller, and a person who sets a clock is not exact to the minute.
const STEADY: SignedDuration = SignedDuration::from_secs(60);
/// How far behind the mark the clock must be for that to be told: time services step a clock by less.
const TOLD: SignedDuration = SignedDuration::from_secs(1);

/// How many changes of the standing wait to be told at most.
const TURNS: usize = 64;

/// The two clocks of a machine, read together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// The wall clock.
    pub wall: Timestamp,
    /// Monotonic time since any instant, the same one for all readings of a process. It need not go on while the machine
    /// is suspended.
    pub monotonic: Duration,
}

/// What is plausible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How far the wall clock may get ahead of monotonic time while the service runs.
    pub jump: SignedDuration,
    /// How far it may be ahead of the mark when the service starts: how long a stop can be that needs no explanation.
    pub stop: SignedDuration,
    /// For how much monotonic time a wall clock that was not believed must go steadily to be believed after all.
    pub proof: Duration,
}

impl Default for Limits {
    /// A day; and a week, the shortest retention interval.
    fn default() -> Self {
        let day = SignedDuration::from_hours(24);
        Self { jump: day, stop: day, proof: Duration::from_secs(7 * 86_400) }
    }
}

/// What made the wall clock implausible.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldReason {
    /// It jumped while the service ran, or the machine was suspended.
    Jump,
    /// It was far ahead of the mark when the service started.
    Stop,
}

impl HoldReason {
    /// The name on every surface and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jump => "jump",
            Self::Stop => "stop",
        }
    }
}

/// A wall clock that is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hold {
    /// The time that was shown when it began.
    pub since: Timestamp,
    /// Why.
    pub reason: HoldReason,
    /// How far the wall clock is ahead of what is accounted for.
    pub ahead: SignedDuration,
    /// For how much monotonic time it has gone steadily since.
    pub proven: Duration,
}

/// What is stored of a guard, so that it survives a restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kept {
    /// The newest time that was believed.
    pub mark: Timestamp,
    /// The newest time that was shown; ahead of the mark while the clock is not believed.
    pub seen: Timestamp,
    /// The hold, if there is one.
    pub hold: Option<Hold>,
}

/// How the clock stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is believed.
    Running,
    /// It is too far ahead to be believed.
    Held {
        /// Since when and why.
        hold: Hold,
        /// The time that is accounted for.
        believed: Timestamp,
    },
    /// It is behind the mark. What is shown goes on from the mark at half speed until it has caught up.
    Behind {
        /// By how much.
        by: SignedDuration,
    },
}

impl Standing {
    /// The name on every surface.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Held { .. } => "held",
            Self::Behind { .. } => "behind",
        }
    }

    /// Whether something may be destroyed for good because its time has come.
    ///
    /// # Errors
    /// `ClockNotTrusted` while the clock is ahead or behind.
    pub fn check_trusted(&self) -> Result<()> {
        match self {
            Self::Running => Ok(()),
            Self::Held { .. } | Self::Behind { .. } => {
                Err(Error::ClockNotTrusted { standing: self.as_str() })
            }
        }
    }
}

/// A change of the standing, for those who watch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// The wall clock is not believed any more.
    Held,
    /// It is behind the mark.
    Behind,
    /// It is behind no longer.
    CaughtUp,
    /// It was set right.
    Corrected,
    /// It has proven itself.
    Proven,
    /// Somebody with the right to do so said that it is right.
    Released,
}

/// The guard of one machine's clock.
#[derive(Clone, Debug)]
pub struct TimeGuard {
    limits: Limits,
    /// Believed time at a monotonic instant; what is accounted for follows from both.
    anchor: Reading,
    /// Whether the wall clock was believed since the start: from then on monotonic time accounts for it.
    settled: bool,
    last: Reading,
    mark: Timestamp,
    shown: Timestamp,
    hold: Option<Hold>,
    behind_told: bool,
    turns: Vec<Turn>,
}

impl TimeGuard {
    /// A guard that begins with what was stored, or believes the first reading where nothing was.
    pub fn begin(limits: Limits, kept: Option<Kept>, reading: Reading) -> Self {
        let mut guard = Self {
            limits,
            anchor: reading,
            settled: true,
            last: reading,
            mark: reading.wall,
            shown: reading.wall,
            hold: None,
            behind_told: false,
            turns: Vec::new(),
        };
        let Some(kept) = kept else { return guard };
        guard.anchor.wall = kept.mark;
        guard.settled = false;
        guard.mark = kept.mark;
        guard.shown = kept.mark;
        guard.hold = kept.hold.map(|hold| {
            // What happened to the clock meanwhile is unknown: where it is not about where it was, it begins anew.
            let steady = (-STEADY..=limits.stop).contains(&reading.wall.duration_since(kept.seen));
            Hold { proven: if steady { hold.proven } else { Duration::ZERO }, ..hold }
        });
        guard.observe(reading);
        guard
    }

    /// Takes a reading, and says what the clock shows.
    pub fn observe(&mut self, reading: Reading) -> Timestamp {
        let elapsed = signed(reading.monotonic.saturating_sub(self.last.monotonic));
        let progress = reading.wall.duration_since(self.last.wall);
        self.last = reading;
        let accounted = self.accounted();
        let ahead = reading.wall.duration_since(accounted);
        match self.hold {
            Some(_) if ahead <= self.limit() => {
                self.end_hold(Turn::Corrected);
                // What was shown meanwhile was wrong, and is not believed now.
                self.shown = self.mark;
                self.follow(reading.wall, SignedDuration::ZERO);
            }
            Some(hold) => {
                let steady = progress.saturating_sub(elapsed).unsigned_abs() <= STEADY.unsigned_abs();
                let proven =
                    if steady { hold.proven.saturating_add(elapsed.unsigned_abs()) } else { Duration::ZERO };
                self.hold = Some(Hold { ahead, proven, ..hold });
                self.shown = self.shown.max(reading.wall);
                self.mark = self.mark.max(accounted);
                if proven >= self.limits.proof {
                    self.end_hold(Turn::Proven);
                    self.believe(reading);
                }
            }
            None if ahead > self.limit() => {
                let reason = if self.settled { HoldReason::Jump } else { HoldReason::Stop };
                self.shown = self.shown.max(reading.wall);
                self.hold = Some(Hold { since: self.shown, reason, ahead, proven: Duration::ZERO });
                self.behind_told = false;
                self.tell(Turn::Held);
            }
            None => self.follow(reading.wall, elapsed),
        }
        self.shown
    }

    /// Shows the wall clock, or half of the time that passes where it is behind.
    fn follow(&mut self, wall: Timestamp, elapsed: SignedDuration) {
        let slowed = self.shown.checked_add(elapsed / 2).unwrap_or(Timestamp::MAX);
        if wall >= slowed {
            self.shown = wall;
            // Believed for the first time since the start, or set back before and caught up with.
            if !self.settled || self.accounted() > wall {
                self.anchor = self.last;
                self.settled = true;
            }
        } else {
            self.shown = slowed;
        }
        self.mark = self.mark.max(self.shown);
        let behind = self.shown.duration_since(wall);
        if behind > TOLD && !self.behind_told {
            self.behind_told = true;
            self.tell(Turn::Behind);
        } else if behind.is_zero() && self.behind_told {
            self.behind_told = false;
            self.tell(Turn::CaughtUp);
        }
    }

    /// The time that is accounted for at the last reading.
    fn accounted(&self) -> Timestamp {
        let since = self.last.monotonic.saturating_sub(self.anchor.monotonic);
        self.anchor.wall.checked_add(signed(since)).unwrap_or(Timestamp::MAX)
    }

    fn end_hold(&mut self, turn: Turn) {
        self.hold = None;
        self.tell(turn);
    }

    /// Notes a change of the standing. Where nobody takes them, there is no use in ever more of them.
    fn tell(&mut self, turn: Turn) {
        if self.turns.len() < TURNS {
            self.turns.push(turn);
        }
    }

    /// How far the wall clock may be ahead of what is accounted for.
    const fn limit(&self) -> SignedDuration {
        if self.settled { self.limits.jump } else { self.limits.stop }
    }

    /// Believes the wall clock as it is.
    fn believe(&mut self, reading: Reading) {
        self.last = reading;
        self.anchor = reading;
        self.settled = true;
        self.mark = reading.wall;
        self.shown = reading.wall;
        self.hold = None;
        self.behind_told = false;
    }

    /// Believes the wall clock because somebody with the right to do so says that it is right. This alone moves the mark
    /// back.
    pub fn release(&mut self, reading: Reading) {
        self.believe(reading);
    }

    /// How the clock stood at the last reading.
    pub fn standing(&self) -> Standing {
        match self.hold {
            Some(hold) => Standing::Held { hold, believed: self.accounted() },
            None if self.shown > self.last.wall => {
                Standing::Behind { by: self.shown.duration_since(self.last.wall) }
            }
            None => Standing::Running,
        }
    }

    /// The latest time of which it is sure that it has come: what is shown, unless that is ahead of what is accounted for,
    /// or of the wall clock.
    pub fn sure(&self) -> Timestamp {
        match self.hold {
            Some(_) => self.accounted(),
            None => self.shown.min(self.last.wall),
        }
    }

    /// What is to be stored.
    pub fn kept(&self) -> Kept {
        Kept { mark: self.mark, seen: self.shown, hold: self.hold }
    }

    /// Changes of the standing that were not told yet, oldest first.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// Forgets the first so many changes of the standing: they were told.
    pub fn told(&mut self, turns: usize) {
        self.turns.drain(..turns.min(self.turns.len()));
    }

    /// What is plausible.
    pub const fn limits(&self) -> Limits {
        self.limits
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests;
