//! The steps of the pipeline, as spans of traces and as metrics.

use std::future::Future;
use std::time::Instant;

use metrics::Histogram;
use tracing::{Instrument as _, Span};

use crate::model::audit_entry::Origin;
use crate::telemetry;

/// Returns a span for a step, which is a part of the current span.
macro_rules! step {
    ($name:literal) => {
        tracing::trace_span!(target: crate::telemetry::TRACES, $name)
    };
}
pub(super) use step;

/// Returns a span for a call, which is a part of the span of its request.
pub(super) fn call_span(operation: &'static str, origin: &Origin) -> Span {
    tracing::trace_span!(
        target: telemetry::TRACES,
        "call",
        otel.name = operation,
        surface = origin.surface.as_str(),
        correlation_id = %origin.correlation_id,
        result = tracing::field::Empty,
    )
}

/// The steps that take the most time.
pub(super) struct Steps {
    execute: Histogram,
    commit: Histogram,
}

impl Steps {
    /// Returns the histograms of the recorder of the process.
    pub(super) fn new() -> Self {
        let step = |name| metrics::histogram!(telemetry::STEP_SECONDS, "step" => name);
        Self { execute: step("execute"), commit: step("commit") }
    }

    /// Runs the operation.
    pub(super) async fn execute<T>(&self, operation: impl Future<Output = T>) -> T {
        timed(&self.execute, operation.instrument(step!("execute"))).await
    }

    /// Commits the record and the changes.
    pub(super) async fn commit<T>(&self, commit: impl Future<Output = T>) -> T {
        timed(&self.commit, commit.instrument(step!("commit"))).await
    }
}

async fn timed<T>(histogram: &Histogram, step: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let result = step.await;
    histogram.record(started.elapsed());
    result
}
