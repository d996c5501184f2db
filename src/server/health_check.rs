//! Periodic health checks of the storage, the tokens and the file descriptors; health endpoints report the last result.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::connections::descriptors_left;
use crate::engine::Engine;
use crate::model::Error;

/// The age at which a result is stale and counts as unhealthy.
const STALE: Duration = Duration::from_secs(60);

/// The last result, and the health reporter that publishes it.
pub(super) struct HealthMonitor {
    reporter: HealthReporter,
    services: Vec<&'static str>,
    last: Mutex<HealthStatus>,
}

/// The result of a health check, and its time.
#[derive(Clone, Debug)]
pub(super) struct HealthStatus {
    problem: Option<Problem>,
    at: Instant,
}

/// Why the service is not healthy, in words that anyone may read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Problem {
    /// The stable name of the problem.
    pub(super) reason: &'static str,
    /// A description, if it contains nothing about the installation.
    pub(super) detail: Option<String>,
}

impl Problem {
    fn of(error: &Error) -> Self {
        let detail = match error {
            Error::StorageFailed(failure) => Some(failure.state()),
            _ => None,
        };
        Self { reason: error.reason(), detail }
    }
}

impl HealthStatus {
    /// Whether the last check succeeded and is not stale.
    pub(super) fn is_serving(&self) -> bool {
        self.problem.is_none() && self.age() < STALE
    }

    /// Returns why the service is not healthy.
    pub(super) const fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// Returns the age of the result.
    pub(super) fn age(&self) -> Duration {
        self.at.elapsed()
    }
}

impl HealthMonitor {
    /// Starts as healthy, since the tokens were just opened. `services` are the gRPC services whose status is reported.
    pub(super) async fn new(reporter: HealthReporter, services: Vec<&'static str>) -> Arc<Self> {
        let last = Mutex::new(HealthStatus { problem: None, at: Instant::now() });
        let monitor = Self { reporter, services, last };
        monitor.report(true).await;
        Arc::new(monitor)
    }

    /// Returns the last result.
    pub(super) fn last_status(&self) -> HealthStatus {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks the service, reports the result, and logs it if it has changed.
    pub(super) async fn check(&self, engine: &Engine) {
        let health = engine.health().await;
        let problem = match (&health, descriptors_left()) {
            (Err(error), _) => Some(Problem::of(error)),
            (Ok(()), false) => Some(Problem {
                reason: "DESCRIPTORS_EXHAUSTED",
                detail: Some("no file descriptors are left".to_owned()),
            }),
            (Ok(()), true) => None,
        };
        let is_healthy = problem.is_none();
        let result = HealthStatus { problem: problem.clone(), at: Instant::now() };
        let before = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *last, result).problem
        };
        match (problem, health) {
            (problem, _) if problem == before => {}
            (Some(Problem { detail: Some(detail), .. }), _) => {
                tracing::warn!(error = detail, "health check failed")
            }
            (Some(_), health) => {
                let error = health.err().map(|error| error.with_causes().to_string());
                tracing::warn!(error, "health check failed");
            }
            (None, _) => tracing::info!("health check succeeded again"),
        }
        self.report(is_healthy).await;
    }

    async fn report(&self, is_healthy: bool) {
        let status = if is_healthy { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in &self.services {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
