//! The steps of the pipeline, as spans of traces and as metrics.

use std::time::Instant;

use metrics::Histogram;
use tracing::Span;

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

    /// Times the use of the token, until the result is dropped.
    pub(super) fn execute(&self) -> Timer<'_> {
        Timer { histogram: &self.execute, started: Instant::now() }
    }

    /// Times the commit of the record and the changes, until the result is dropped.
    pub(super) fn commit(&self) -> Timer<'_> {
        Timer { histogram: &self.commit, started: Instant::now() }
    }
}

/// Records the time until it is dropped.
pub(super) struct Timer<'a> {
    histogram: &'a Histogram,
    started: Instant,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.histogram.record(self.started.elapsed());
    }
}
