//! Notifications by which an idle instance follows the changes of others at once.
//!
//! They may be lost, and nothing depends on them: the log of changes is read at intervals as well, and before each answer. PostgreSQL:
//! <https://www.postgresql.org/docs/current/sql-notify.html>.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::database::SqlError;
use super::instance::InstanceName;
use super::location::Location;

/// The interval at which changes are read while no call arrives, if notifications arrive.
const WITH_NOTICES: Duration = Duration::from_secs(1);

/// The interval without notifications.
const WITHOUT: Duration = Duration::from_millis(200);

/// The time after a failure before the next attempt to listen.
const RETRY: Duration = Duration::from_secs(1);

/// The channel of the database. The payload of a notification is the name of the instance that has written. The SQL text of the
/// log of changes names it as well.
const CHANNEL: &str = "strongroom_changes";

/// Listens for changes, with a session of its own, until it is dropped.
pub(super) struct ChangeNotices {
    heard: Arc<Notify>,
    is_listening: Arc<AtomicBool>,
    task: AbortHandle,
}

impl ChangeNotices {
    /// Starts to listen; `None` if no other instance can use the database. Must be called in the context of a runtime.
    pub(super) fn listen(location: &Location, instance: &InstanceName) -> Option<Self> {
        let Location::Postgres(server) = location else { return None };
        // Not a name of the sessions that are ended when the writer connects again.
        let options = server.options.clone().application_name("strongroom listener");
        let options = options.options([("idle_session_timeout", "0")]);
        let (heard, is_listening) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let listening = run(options, instance.clone(), Arc::clone(&heard), Arc::clone(&is_listening));
        Some(Self { heard, is_listening, task: tokio::spawn(listening).abort_handle() })
    }

    /// Waits until another instance has written changes, perhaps.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }

    /// The interval at which changes are read while no call arrives.
    pub(super) fn interval(&self) -> Duration {
        if self.is_listening.load(Ordering::Relaxed) { WITH_NOTICES } else { WITHOUT }
    }
}

impl Drop for ChangeNotices {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    options: PgConnectOptions,
    instance: InstanceName,
    heard: Arc<Notify>,
    is_listening: Arc<AtomicBool>,
) {
    let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.connect_lazy_with(options);
    loop {
        let ended = forward(&pool, &instance, &heard, &is_listening).await;
        is_listening.store(false, Ordering::Relaxed);
        if let Err(error) = ended {
            tracing::debug!(%error, "changes of other instances are not notified");
        }
        pause(RETRY).await;
    }
}

/// Forwards notifications until the session ends.
async fn forward(
    pool: &PgPool,
    instance: &InstanceName,
    heard: &Notify,
    is_listening: &AtomicBool,
) -> Result<(), SqlError> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    is_listening.store(true, Ordering::Relaxed);
    // What was written before.
    heard.notify_one();
    while let Some(notice) = listener.try_recv().await? {
        if notice.payload() != instance.as_str() {
            heard.notify_one();
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the server is there again in real time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
