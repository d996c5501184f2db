//! Periodic health checks of the storage, the tokens and the file descriptors; health endpoints report the last result.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::connections::descriptors_left;
use crate::engine::{Engine, EngineHealth, TokenHealth};
use crate::model::Error;

/// The age at which a result is stale and counts as unhealthy.
const STALE: Duration = Duration::from_secs(60);

/// The last result, and the health reporter that publishes it.
pub(super) struct HealthMonitor {
    reporter: HealthReporter,
    services: Vec<&'static str>,
    last: Mutex<Arc<HealthStatus>>,
}

/// The result of a health check, and its time.
#[derive(Debug)]
pub(super) struct HealthStatus {
    /// The parts that were checked; none before the first check.
    pub(super) parts: Vec<CheckedPart>,
    at: Instant,
}

/// A part of the service whose health is checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// The audit log and the database.
    Storage,
    /// The token with this serial number.
    Token(String),
    /// The file descriptors of the process.
    Descriptors,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage => f.write_str("storage"),
            Self::Token(serial) => write!(f, "token {serial}"),
            Self::Descriptors => f.write_str("file descriptors"),
        }
    }
}

/// A part, and what is wrong with it.
#[derive(Clone, Debug)]
pub(super) struct CheckedPart {
    pub(super) part: Part,
    pub(super) problem: Option<Problem>,
    /// For a token that responds: the number of sessions that the process which answered has with it.
    pub(super) sessions: Option<u64>,
}

/// Why a part is not healthy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Problem {
    /// The stable name of the problem.
    pub(super) reason: &'static str,
    /// A description that contains nothing about the installation, so that anyone may read it.
    pub(super) detail: Option<String>,
    /// A description for the operator.
    pub(super) why: String,
}

impl Problem {
    fn of(error: &Error) -> Self {
        let detail = match error {
            Error::StorageFailed(failure) => Some(failure.state()),
            _ => None,
        };
        let why = detail.clone().unwrap_or_else(|| error.with_causes().to_string());
        Self { reason: error.reason(), detail, why }
    }
}

impl HealthStatus {
    /// Whether all parts are healthy, and the result is not stale.
    pub(super) fn is_serving(&self) -> bool {
        self.failing().next().is_none() && self.age() < STALE
    }

    /// Returns the parts that are not healthy.
    pub(super) fn failing(&self) -> impl Iterator<Item = (&Part, &Problem)> {
        self.parts.iter().filter_map(|checked| Some((&checked.part, checked.problem.as_ref()?)))
    }

    /// Returns the age of the result.
    pub(super) fn age(&self) -> Duration {
        self.at.elapsed()
    }

    fn is_failing(&self, part: &Part) -> bool {
        self.failing().any(|(failing, _)| failing == part)
    }
}

impl HealthMonitor {
    /// Starts as healthy, since the tokens were just opened. `services` are the gRPC services whose status is reported.
    pub(super) async fn new(reporter: HealthReporter, services: Vec<&'static str>) -> Arc<Self> {
        let last = Mutex::new(Arc::new(HealthStatus { parts: Vec::new(), at: Instant::now() }));
        let monitor = Self { reporter, services, last };
        monitor.report(true).await;
        Arc::new(monitor)
    }

    /// Returns the last result.
    pub(super) fn last_status(&self) -> Arc<HealthStatus> {
        Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Checks the parts, logs which of them have changed, and reports the result.
    pub(super) async fn check(&self, engine: &Engine) {
        let result = Arc::new(HealthStatus { parts: check_parts(engine).await, at: Instant::now() });
        let is_healthy = result.is_serving();
        let before = std::mem::replace(
            &mut *self.last.lock().unwrap_or_else(PoisonError::into_inner),
            Arc::clone(&result),
        );
        for CheckedPart { part, problem, .. } in &result.parts {
            log_change(part, before.is_failing(part), problem.as_ref());
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

async fn check_parts(engine: &Engine) -> Vec<CheckedPart> {
    let EngineHealth { storage, tokens } = engine.health().await;
    let mut parts = vec![CheckedPart {
        part: Part::Storage,
        problem: storage.err().as_ref().map(Problem::of),
        sessions: None,
    }];
    parts.extend(tokens.into_iter().map(|TokenHealth { serial, sessions }| CheckedPart {
        part: Part::Token(serial),
        problem: sessions.as_ref().err().map(Problem::of),
        sessions: sessions.ok(),
    }));
    let exhausted = || Problem {
        reason: "DESCRIPTORS_EXHAUSTED",
        detail: Some("no file descriptors are left".to_owned()),
        why: "no file descriptors are left".to_owned(),
    };
    let problem = (!descriptors_left()).then(exhausted);
    parts.push(CheckedPart { part: Part::Descriptors, problem, sessions: None });
    parts
}

/// Logs that the health of a part has changed.
fn log_change(part: &Part, was_failing: bool, problem: Option<&Problem>) {
    match (part, was_failing, problem) {
        (Part::Token(token), false, Some(problem)) => {
            tracing::error!(
                event = "token.unavailable",
                token,
                error = problem.why,
                "a token is unavailable"
            );
        }
        (Part::Token(token), true, None) => {
            tracing::info!(event = "token.available", token, "a token is available again");
        }
        (_, false, Some(problem)) => {
            tracing::warn!(event = "health.failing", %part, error = problem.why, "health check failed");
        }
        (_, true, None) => tracing::info!(event = "health.recovered", %part, "health check succeeded again"),
        (_, true, Some(_)) | (_, false, None) => {}
    }
}
