//! Looks at the machine's clock from time to time, says how it stands, and has its mark written while nothing else is.

use std::time::Duration;

use jiff::SignedDuration;

use crate::engine::Engine;
use crate::model::time_guard::Standing;

/// How often the clock is looked at. A crash loses so much of its mark.
const TICK: Duration = Duration::from_secs(10);
/// How often it is said again that the clock is not trusted.
const REMINDER: Duration = Duration::from_secs(3600);
/// A clock that is behind by less is one that a time service has stepped.
const STEPPED: SignedDuration = SignedDuration::from_secs(1);

/// Works until it is dropped. There is nothing to do for a clock that is turned by hand.
pub async fn keep_time(engine: Engine) {
    if engine.clock().can_be_turned() {
        return;
    }
    let mut said = "running";
    let mut again = std::time::Instant::now();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let standing = engine.clock().standing();
        let now = match standing {
            Standing::Behind { by } if by < STEPPED => "running",
            Standing::Running | Standing::Held { .. } | Standing::Behind { .. } => standing.as_str(),
        };
        if now != said || (now != "running" && again.elapsed() >= REMINDER) {
            say(standing, now == "running");
            said = now;
            again = std::time::Instant::now();
        }
        if let Err(error) = engine.keep_time().await {
            tracing::warn!(%error, "how far the clock has come could not be written");
        }
    }
}

fn say(standing: Standing, is_trusted: bool) {
    match standing {
        Standing::Held { hold, believed } => tracing::error!(
            since = %hold.since, reason = hold.reason.as_str(), ahead = %hold.ahead, %believed,
            "the machine's clock is ahead of what can be explained; purges wait until it is set right, released with \
             `strongroom clock release`, or has gone steadily for long enough"
        ),
        Standing::Behind { by } if !is_trusted => tracing::error!(
            %by,
            "the machine's clock is behind what it showed before; records are dated on from there, and purges wait until \
             it has caught up or is released with `strongroom clock release`"
        ),
        Standing::Running | Standing::Behind { .. } => tracing::info!("the machine's clock is trusted"),
    }
}
