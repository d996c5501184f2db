//! The lease of the work that one instance does for all that share a database, such as purges at the end of retention intervals.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::database::{Database, SqlError, query};
use super::instance::InstanceName;

/// How long a lease is valid after its last renewal.
const TERM: Duration = Duration::from_secs(10);

/// How often it is renewed, or requested.
const INTERVAL: Duration = Duration::from_secs(3);

/// By how much the clocks of two machines may differ in speed during a term.
const MARGIN: Duration = Duration::from_secs(1);

/// Until when this instance has the lease, by its own monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Lease(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    requested: Option<Instant>,
    until: Option<Instant>,
}

impl Lease {
    /// Whether this instance has the lease. A process that was stopped for longer than the term does not have it when it goes on.
    pub(super) fn is_held(&self) -> bool {
        self.state().until.is_some_and(|until| Instant::now() < until)
    }

    /// The time after which the lease is to be requested.
    pub(super) fn due_in(&self) -> Duration {
        let requested = self.state().requested;
        requested.map_or(Duration::ZERO, |at| (at + INTERVAL).saturating_duration_since(Instant::now()))
    }

    /// Requests the lease, or renews it. Returns whether another instance had it before.
    pub(super) async fn request(&self, db: &mut Database, instance: &InstanceName) -> Result<bool, SqlError> {
        let before = Instant::now();
        let was_held = self.is_held();
        self.state().requested = Some(before);
        let sql = "-- request_lease
            INSERT INTO leases (name, instance, until)
            VALUES ('work', $1, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint + $2)
            ON CONFLICT (name) DO UPDATE SET instance = excluded.instance, until = excluded.until
            WHERE leases.instance = excluded.instance
                OR leases.until < (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint";
        let term = i64::try_from(TERM.as_micros()).unwrap_or(i64::MAX);
        let granted = query(sql).bind(instance.as_str()).bind(term).execute(db).await? == 1;
        self.state().until = granted.then(|| before + TERM - MARGIN);
        Ok(granted && !was_held)
    }

    /// Gives the lease back, so that another instance need not wait for the end of its term.
    pub(super) async fn release(&self, db: &mut Database, instance: &InstanceName) -> Result<(), SqlError> {
        if self.state().until.take().is_none() {
            return Ok(());
        }
        let sql = "-- release_lease
            UPDATE leases SET until = 0 WHERE name = 'work' AND instance = $1";
        query(sql).bind(instance.as_str()).execute(db).await.map(drop)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
