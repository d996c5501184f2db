//! Tells the service manager, systemd or another with its protocol, that the service is ready, alive and stopping.
//!
//! Without `NOTIFY_SOCKET` in the environment nothing is told. Protocol: sd_notify(3).

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::task::JoinHandle;

/// Says that the service answers, and from then on, where the manager has a watchdog, that it is alive.
///
/// Signs of life are sent by the runtime that answers calls: where it does not get to run tasks any more, they stop, and
/// the manager restarts the service.
pub(super) fn ready() -> JoinHandle<()> {
    tell(&[NotifyState::Ready]);
    tokio::spawn(async {
        let Some(limit) = sd_notify::watchdog_enabled() else { return };
        let mut pulse = tokio::time::interval(interval(limit));
        loop {
            pulse.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    })
}

/// Says that the service is about to end.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// How often signs of life are sent: thrice within the limit, so that one may be late.
fn interval(limit: Duration) -> Duration {
    (limit / 3).max(Duration::from_millis(1))
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told how the service is");
    }
}
