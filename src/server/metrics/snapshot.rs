//! Records the metrics that are read when they are requested.

use std::time::{Duration, Instant};

use metrics::gauge;
use rust_decimal::prelude::ToPrimitive as _;
use tokio::sync::Mutex;

use super::process::{self, count};
use crate::engine::{ContainerCounts, Engine, ScheduleStatus, Status};
use crate::model::Timestamp;
use crate::model::billing::AccruedCosts;
use crate::server::connections::ConnectionStatus;
use crate::server::health_check::{HealthStatus, Part};
use crate::server::probes::Probes;
use crate::telemetry;
use crate::token::{Statistics, TokenInfo};

/// How long computed costs are reported before they are computed again.
const COSTS: Duration = Duration::from_secs(60);

/// Reads the state of the service.
pub(super) struct Snapshot {
    engine: Engine,
    connections: ConnectionStatus,
    probes: Probes,
    costs: Mutex<Option<(Instant, AccruedCosts)>>,
}

impl Snapshot {
    /// A reader of this service.
    pub(super) fn new(engine: Engine, connections: ConnectionStatus, probes: Probes) -> Self {
        Self { engine, connections, probes, costs: Mutex::default() }
    }

    /// Records the present state.
    pub(super) async fn record(&self) {
        let mode = format!("{:?}", self.probes.mode).to_lowercase();
        gauge!(telemetry::BUILD_INFO, "version" => env!("CARGO_PKG_VERSION"), "mode" => mode).set(1.0);
        process::record();
        let health = self.probes.monitor.last_status();
        gauge!(telemetry::READY).set(flag(self.probes.is_ready(&health)));
        let counts = self.connections.counts();
        gauge!(telemetry::CONNECTIONS, "state" => "authenticated").set(count(counts.authenticated));
        gauge!(telemetry::CONNECTIONS, "state" => "unauthenticated").set(count(counts.unauthenticated));
        gauge!(telemetry::CONNECTION_LIMIT).set(count(counts.limit));
        let status = self.engine.status();
        gauge!(telemetry::CALLS_IN_PROGRESS).set(count(status.calls_in_progress));
        for (info, statistics) in &status.tokens {
            record_token(info, statistics, &health);
        }
        record_ledger(&status);
        record_containers(&status.containers);
        self.record_time(&status.schedule);
        self.record_costs().await;
    }

    fn record_time(&self, schedule: &ScheduleStatus) {
        let clock = self.engine.clock();
        let now = clock.now();
        gauge!(telemetry::CLOCK).set(seconds(now));
        gauge!(telemetry::CLOCK_TRUSTED).set(flag(clock.check_trusted().is_ok()));
        gauge!(telemetry::DUE_WORK).set(count(schedule.due));
        let lag = schedule.due_since.map_or(0.0, |since| seconds(now) - seconds(since));
        gauge!(telemetry::SCHEDULER_LAG).set(lag);
        if let Some(next) = schedule.next {
            gauge!(telemetry::NEXT_DUE).set(seconds(next));
        }
    }

    async fn record_costs(&self) {
        let mut known = self.costs.lock().await;
        if known.as_ref().is_none_or(|(computed, _)| computed.elapsed() >= COSTS) {
            match self.engine.accrued_costs().await {
                Ok(costs) => *known = Some((Instant::now(), costs)),
                Err(error) => {
                    tracing::warn!(error = %error.with_causes(), "accrued costs cannot be computed")
                }
            }
        }
        let Some((_, AccruedCosts { currency, containers })) = &*known else { return };
        for (container, cost) in containers {
            let cost = cost.to_f64().unwrap_or(f64::NAN);
            gauge!(telemetry::COST, "container" => container.to_string(), "currency" => currency.clone())
                .set(cost);
        }
    }
}

fn record_token(info: &TokenInfo, statistics: &Statistics, health: &HealthStatus) {
    let token = || info.serial.clone();
    let labels = [
        ("token", token()),
        ("label", info.label.clone()),
        ("manufacturer", info.manufacturer.clone()),
        ("model", info.model.clone()),
    ];
    gauge!(telemetry::TOKEN_INFO, &labels).set(1.0);
    let checked = health.parts.iter().find(|part| part.part == Part::Token(token()));
    gauge!(telemetry::TOKEN_UP, "token" => token())
        .set(flag(checked.is_none_or(|part| part.problem.is_none())));
    if let Some(sessions) = checked.and_then(|part| part.sessions) {
        let sessions = count(usize::try_from(sessions).unwrap_or(usize::MAX));
        gauge!(telemetry::TOKEN_SESSIONS, "token" => token()).set(sessions);
    }
    let queues = ["fast", "slow"].into_iter().zip(statistics.waiting.into_iter().zip(statistics.capacity));
    for (queue, (waiting, capacity)) in queues {
        gauge!(telemetry::TOKEN_WAITING, "token" => token(), "queue" => queue).set(count(waiting));
        gauge!(telemetry::TOKEN_CAPACITY, "token" => token(), "queue" => queue).set(count(capacity));
    }
    gauge!(telemetry::TOKEN_RUNNING, "token" => token()).set(count(statistics.running));
    let workers = statistics.workers;
    for (state, number) in
        [("running", workers.running), ("starting", workers.starting), ("failed", workers.failed)]
    {
        gauge!(telemetry::TOKEN_WORKERS, "token" => token(), "state" => state).set(count(number));
    }
}

fn record_ledger(status: &Status) {
    let position = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX));
    gauge!(telemetry::LEDGER_WAITING).set(count(status.ledger.waiting));
    gauge!(telemetry::LEDGER_FAILING).set(flag(status.ledger.is_failing));
    gauge!(telemetry::LEDGER_UNSAVED).set(position(status.ledger.unsaved));
    if let Some(shared) = status.ledger.shared {
        gauge!(telemetry::LEASE_HELD).set(flag(shared.has_lease));
        gauge!(telemetry::CHANGE_LOG_POSITION).set(position(shared.position));
    }
    gauge!(telemetry::AUDIT_POSITION).set(position(status.audit_position));
    gauge!(telemetry::AUDIT_SIGNED).set(position(status.audit_signed));
}

fn record_containers(containers: &ContainerCounts) {
    for (state, number) in [
        ("active", containers.active_hsms),
        ("not_activated", containers.not_activated_hsms),
        ("deleted", containers.deleted_hsms),
    ] {
        gauge!(telemetry::HSMS, "state" => state).set(count(number));
    }
    for (state, number) in [("active", containers.active_vaults), ("deleted", containers.deleted_vaults)] {
        gauge!(telemetry::VAULTS, "state" => state).set(count(number));
    }
}

const fn flag(is_set: bool) -> f64 {
    if is_set { 1.0 } else { 0.0 }
}

/// Returns an instant in seconds since 1970.
fn seconds(instant: Timestamp) -> f64 {
    instant.as_duration().as_secs_f64()
}
