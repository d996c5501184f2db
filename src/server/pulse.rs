//! How the tokens were when they were last asked: what health tells, without asking them for each who wants to know.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::engine::Engine;

/// How old a finding may be before it says nothing any more.
const STALE: Duration = Duration::from_secs(60);

/// The last finding, and whom it is reported to.
pub(super) struct Pulse {
    reporter: HealthReporter,
    services: Vec<&'static str>,
    found: Mutex<Finding>,
}

/// How the tokens were, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finding {
    is_well: bool,
    at: Instant,
}

impl Finding {
    /// Whether the tokens answered, and lately.
    pub(super) fn is_serving(&self) -> bool {
        self.is_well && self.age() < STALE
    }

    /// How long ago they were asked.
    pub(super) fn age(&self) -> Duration {
        self.at.elapsed()
    }
}

impl Pulse {
    /// The tokens were just opened, so they are well; `services` are told of under these names.
    pub(super) async fn new(reporter: HealthReporter, services: Vec<&'static str>) -> Arc<Self> {
        let found = Mutex::new(Finding { is_well: true, at: Instant::now() });
        let pulse = Self { reporter, services, found };
        pulse.report(true).await;
        Arc::new(pulse)
    }

    /// The last finding.
    pub(super) fn finding(&self) -> Finding {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the tokens.
    pub(super) async fn take(&self, engine: &Engine) {
        let health = engine.health().await;
        if let Err(error) = &health {
            tracing::warn!(%error, "not healthy");
        }
        let found = Finding { is_well: health.is_ok(), at: Instant::now() };
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = found;
        self.report(found.is_well).await;
    }

    async fn report(&self, is_well: bool) {
        let status = if is_well { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in &self.services {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
