//! Checks the machine's clock periodically, logs changes of its state, and writes its high-water mark while idle.

use std::time::Duration;

use jiff::SignedDuration;

use crate::engine::Engine;
use crate::model::Error;
use crate::model::time_guard::ClockStatus;

/// How often the clock is checked and its high-water mark written. A crash loses at most this much of the mark.
const TICK: Duration = Duration::from_secs(10);
/// How often the log repeats that the clock is not trusted.
const REMINDER: Duration = Duration::from_secs(3600);
/// A clock that is behind by less was stepped by a time service, and is trusted.
const STEPPED: SignedDuration = SignedDuration::from_secs(1);

/// Runs until it is dropped. Returns at once for a virtual clock.
pub async fn monitor_clock(engine: Engine) {
    if engine.clock().is_virtual() {
        return;
    }
    let mut logged = "running";
    let mut logged_at = std::time::Instant::now();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let standing = engine.clock().status();
        let now = match standing {
            ClockStatus::Behind { by } if by < STEPPED => "running",
            ClockStatus::Running | ClockStatus::Held { .. } | ClockStatus::Behind { .. } => standing.as_str(),
        };
        if now != logged || (now != "running" && logged_at.elapsed() >= REMINDER) {
            log(standing, now == "running");
            logged = now;
            logged_at = std::time::Instant::now();
        }
        match engine.write_high_water_mark().await {
            // The store logs the begin and the end of such a fault.
            Ok(()) | Err(Error::StorageFailed(_)) => {}
            Err(error) => {
                tracing::warn!(error = %error.with_causes(), "the high-water mark of the clock could not be written");
            }
        }
    }
}

fn log(standing: ClockStatus, is_trusted: bool) {
    match standing {
        ClockStatus::Held { hold, accounted_time: believed } => tracing::error!(
            event = "clock.untrusted",
            since = %hold.since, reason = hold.reason.as_str(), ahead = %hold.ahead, %believed,
            "the machine's clock is ahead by an implausible amount; purges wait until it is corrected, released with \
             `strongroom clock release`, or has run steadily for long enough"
        ),
        ClockStatus::Behind { by } if !is_trusted => tracing::error!(
            event = "clock.untrusted",
            %by,
            "the machine's clock is behind its high-water mark; records are dated from the mark on, and purges wait until \
             the clock has caught up or is released with `strongroom clock release`"
        ),
        ClockStatus::Running | ClockStatus::Behind { .. } => {
            tracing::info!(event = "clock.trusted", "the machine's clock is trusted")
        }
    }
}
