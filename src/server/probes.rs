//! The probes of orchestrators and load balancers, which need no credential: `/livez`, `/readyz` and `/healthz`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::health_check::{HealthMonitor, HealthStatus, Part, Problem};
use crate::clock::Clock;
use crate::config::Mode;

/// The paths of the probes.
pub(super) const PATHS: [&str; 3] = ["/healthz", "/livez", "/readyz"];

/// What the probes report.
#[derive(Clone)]
pub(super) struct Probes {
    pub(super) monitor: Arc<HealthMonitor>,
    pub(super) clock: Clock,
    pub(super) mode: Mode,
    /// Cancelled at shutdown: requests in progress complete, and no more should come.
    pub(super) closing: CancellationToken,
    /// Whether the reasons of failures are shown. They name files and hosts, so not to everyone.
    pub(super) tells_reasons: bool,
}

impl Probes {
    /// Returns the routes of the probes.
    pub(super) fn routes(self) -> Router {
        let [health, live, ready] = PATHS;
        Router::new()
            .route(health, get(healthz))
            .route(live, get(livez))
            .route(ready, get(readyz))
            .with_state(self)
    }

    /// Whether the service can serve cryptographic operations of every container.
    pub(super) fn is_ready(&self, health: &HealthStatus) -> bool {
        health.is_serving() && !self.closing.is_cancelled()
    }

    fn failing(&self, health: &HealthStatus) -> Vec<Value> {
        let describe = |(part, problem): (&Part, &Problem)| {
            let mut failing = json!({ "part": part.to_string(), "reason": problem.reason });
            if let Some(detail) = &problem.detail {
                failing["detail"] = detail.as_str().into();
            }
            if self.tells_reasons {
                failing["why"] = problem.why.as_str().into();
            }
            failing
        };
        health.failing().map(describe).collect()
    }
}

/// Whether the process answers at all.
async fn livez() -> Response {
    axum::Json(json!({ "status": "alive" })).into_response()
}

/// Whether requests should be sent here.
async fn readyz(State(probes): State<Probes>) -> Response {
    let health = probes.monitor.last_status();
    let is_closing = probes.closing.is_cancelled();
    let (code, status) = match probes.is_ready(&health) {
        true => (StatusCode::OK, "ready"),
        false if is_closing => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    let body = json!({ "failing": probes.failing(&health), "status": status });
    (code, axum::Json(body)).into_response()
}

/// The state of the service, for operators.
async fn healthz(State(probes): State<Probes>) -> Response {
    let health = probes.monitor.last_status();
    let (code, status) = match health.is_serving() {
        true => (StatusCode::OK, "serving"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not serving"),
    };
    let mut body = json!({
        "age_seconds": health.age().as_secs(),
        "mode": probes.mode,
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
    });
    let failing = probes.failing(&health);
    if !failing.is_empty() {
        body["failing"] = failing.into();
    }
    if !probes.clock.is_virtual() {
        body["clock"] = probes.clock.status().as_str().into();
    }
    (code, axum::Json(body)).into_response()
}
