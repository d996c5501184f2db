//! Maintains the audit log while the service runs.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use crate::config::Audit;
use crate::engine::Engine;

/// The interval of the maintenance loop.
const TICK: Duration = Duration::from_secs(1);

/// Periodically records the counts of unauthenticated calls, signs the log, and deletes files beyond the retention
/// limits.
pub(super) async fn maintain(engine: Engine, settings: Audit) {
    let interval = Duration::from_secs(settings.sign_seconds);
    let mut signed = Instant::now();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        engine.record_refusals(false).await;
        if signed.elapsed() < interval {
            continue;
        }
        signed = Instant::now();
        if let Err(error) = engine.sign_audit_log().await {
            tracing::error!(error = %error.with_causes(), "cannot sign the end of the audit log; will retry");
        }
        if let Err(error) = engine.trim_audit_log().await {
            tracing::error!(error = %error.with_causes(), "cannot delete audit files beyond the retention limits");
        }
    }
}
