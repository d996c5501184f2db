//! Periodic health checks of the tokens; health endpoints report the last result.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::engine::Engine;

/// The age at which a result is stale and counts as unhealthy.
const STALE: Duration = Duration::from_secs(60);

/// The last result, and the health reporter that publishes it.
pub(super) struct HealthMonitor {
    reporter: HealthReporter,
    services: Vec<&'static str>,
    last: Mutex<HealthStatus>,
}

/// The result of a health check, and its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct HealthStatus {
    is_healthy: bool,
    at: Instant,
}

impl HealthStatus {
    /// Whether the last check succeeded and is not stale.
    pub(super) fn is_serving(&self) -> bool {
        self.is_healthy && self.age() < STALE
    }

    /// Returns the age of the result.
    pub(super) fn age(&self) -> Duration {
        self.at.elapsed()
    }
}

impl HealthMonitor {
    /// Starts as healthy, since the tokens were just opened. `services` are the gRPC services whose status is reported.
    pub(super) async fn new(reporter: HealthReporter, services: Vec<&'static str>) -> Arc<Self> {
        let last = Mutex::new(HealthStatus { is_healthy: true, at: Instant::now() });
        let monitor = Self { reporter, services, last };
        monitor.report(true).await;
        Arc::new(monitor)
    }

    /// Returns the last result.
    pub(super) fn last_status(&self) -> HealthStatus {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks the tokens, and reports the result.
    pub(super) async fn check(&self, engine: &Engine) {
        let health = engine.health().await;
        if let Err(error) = &health {
            tracing::warn!(error = %error.with_causes(), "health check failed");
        }
        let result = HealthStatus { is_healthy: health.is_ok(), at: Instant::now() };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = result;
        self.report(result.is_healthy).await;
    }

    async fn report(&self, is_healthy: bool) {
        let status = if is_healthy { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in &self.services {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
