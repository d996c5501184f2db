//! Notifies the service manager (systemd or compatible) that the service is ready, alive or stopping.
//!
//! Does nothing without `NOTIFY_SOCKET` in the environment. Protocol: sd_notify(3).

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::task::JoinHandle;

/// Notifies that the service is ready, and starts the keep-alive task if the service manager has a watchdog.
///
/// The task runs on the runtime that serves calls: if that no longer runs tasks, the keep-alive messages stop, and the
/// service manager restarts the service.
pub(in crate::server) fn ready() -> JoinHandle<()> {
    notify(&[NotifyState::Ready]);
    tokio::spawn(async {
        let Some(limit) = sd_notify::watchdog_enabled() else { return };
        let mut keep_alive = tokio::time::interval(interval(limit));
        loop {
            keep_alive.tick().await;
            notify(&[NotifyState::Watchdog]);
        }
    })
}

/// Notifies that the service is stopping.
pub(in crate::server) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// Returns the interval of keep-alive messages: a third of the limit, so that one may be late.
fn interval(limit: Duration) -> Duration {
    (limit / 3).max(Duration::from_millis(1))
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "cannot notify the service manager");
    }
}
