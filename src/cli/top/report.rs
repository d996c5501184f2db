//! Computes rates and latencies from the metrics of two moments.

use std::collections::BTreeSet;

use serde::Serialize;

use super::samples::{Sample, Samples};
use crate::telemetry;

/// The state of a service, and what happened in an interval.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Report {
    pub(super) version: String,
    pub(super) mode: String,
    pub(super) is_ready: bool,
    /// The time since the process started, in seconds.
    pub(super) uptime_seconds: f64,
    pub(super) calls_per_second: f64,
    pub(super) errors_per_second: f64,
    pub(super) calls_in_progress: f64,
    pub(super) memory_bytes: f64,
    pub(super) connections: f64,
    pub(super) connection_limit: f64,
    pub(super) ledger: LedgerReport,
    pub(super) schedule: ScheduleReport,
    /// The operations with calls in the interval, those with the most calls first.
    pub(super) operations: Vec<OperationReport>,
    pub(super) tokens: Vec<TokenReport>,
}

/// The ledger.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct LedgerReport {
    pub(super) is_failing: bool,
    pub(super) records_per_second: f64,
    /// The mean number of records per group.
    pub(super) records_per_group: f64,
    /// The mean time to write a group, in milliseconds.
    pub(super) write_milliseconds: f64,
    pub(super) unsaved_records: f64,
}

/// Scheduled work.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct ScheduleReport {
    pub(super) due: f64,
    pub(super) lag_seconds: f64,
    /// The time until the next work is due, in seconds of the clock of the service.
    pub(super) next_in_seconds: Option<f64>,
    pub(super) is_clock_trusted: bool,
}

/// An operation of a surface.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct OperationReport {
    pub(super) surface: String,
    pub(super) operation: String,
    pub(super) calls_per_second: f64,
    pub(super) errors_per_second: f64,
    /// The median of the latency, in milliseconds.
    pub(super) p50_milliseconds: f64,
    /// The 99th percentile of the latency, in milliseconds.
    pub(super) p99_milliseconds: f64,
}

/// A token.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct TokenReport {
    pub(super) serial: String,
    pub(super) label: String,
    pub(super) is_up: bool,
    pub(super) workers_running: f64,
    pub(super) workers_starting: f64,
    pub(super) workers_failed: f64,
    /// Worker processes that ended or did not start since the service started.
    pub(super) worker_ends: f64,
    pub(super) calls_running: f64,
    pub(super) calls_waiting: f64,
    pub(super) sessions: Option<f64>,
    pub(super) errors_per_second: f64,
}

impl Report {
    /// Computes the report of the interval between two requests of metrics.
    pub(super) fn between(before: &Samples, after: &Samples) -> Self {
        let interval = Interval { before, after, seconds: (after.at - before.at).as_secs_f64().max(0.001) };
        let build = after.named(telemetry::BUILD_INFO).next();
        let info = |label| build.map(|sample| sample.label(label).to_owned()).unwrap_or_default();
        let is_set = |name| after.value(name) == Some(1.0);
        let now = after.value(telemetry::CLOCK).unwrap_or_default();
        let all = interval.rate(telemetry::CALLS, &[]);
        Self {
            version: info("version"),
            mode: info("mode"),
            is_ready: is_set(telemetry::READY),
            uptime_seconds: after.value(telemetry::PROCESS_UPTIME).unwrap_or_default(),
            calls_per_second: all,
            errors_per_second: all - interval.rate(telemetry::CALLS, &[("result", "ok")]),
            calls_in_progress: after.sum(telemetry::CALLS_IN_PROGRESS, &[]),
            memory_bytes: after.sum(telemetry::PROCESS_MEMORY, &[]),
            connections: after.sum(telemetry::CONNECTIONS, &[]),
            connection_limit: after.sum(telemetry::CONNECTION_LIMIT, &[]),
            ledger: LedgerReport {
                is_failing: is_set(telemetry::LEDGER_FAILING),
                records_per_second: interval.rate(telemetry::LEDGER_RECORDS, &[]),
                records_per_group: interval.mean(telemetry::LEDGER_GROUPS),
                write_milliseconds: interval.mean(telemetry::LEDGER_SECONDS) * 1000.0,
                unsaved_records: after.sum(telemetry::LEDGER_UNSAVED, &[]),
            },
            schedule: ScheduleReport {
                due: after.sum(telemetry::DUE_WORK, &[]),
                lag_seconds: after.sum(telemetry::SCHEDULER_LAG, &[]),
                next_in_seconds: after.value(telemetry::NEXT_DUE).map(|next| next - now),
                is_clock_trusted: is_set(telemetry::CLOCK_TRUSTED),
            },
            operations: interval.operations(),
            tokens: after.named(telemetry::TOKEN_INFO).map(|token| interval.token(token)).collect(),
        }
    }
}

struct Interval<'a> {
    before: &'a Samples,
    after: &'a Samples,
    seconds: f64,
}

impl Interval<'_> {
    fn increase(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let (before, after) = (self.before.sum(name, labels), self.after.sum(name, labels));
        // A counter that is lower began anew: the service was restarted.
        if after >= before { after - before } else { after }
    }

    /// Returns the increase of a counter per second.
    fn rate(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.increase(name, labels) / self.seconds
    }

    /// Returns the mean of the observations of a histogram; 0 if there are none.
    fn mean(&self, name: &str) -> f64 {
        let count = self.increase(&format!("{name}_count"), &[]);
        if count > 0.0 { self.increase(&format!("{name}_sum"), &[]) / count } else { 0.0 }
    }

    /// Returns a quantile of the observations of a histogram: the upper bound of its bucket.
    fn quantile(&self, name: &str, labels: &[(&str, &str)], quantile: f64) -> f64 {
        let bucket = format!("{name}_bucket");
        let bounds: BTreeSet<&str> = self.after.named(&bucket).map(|sample| sample.label("le")).collect();
        let mut buckets: Vec<(f64, f64)> = bounds
            .into_iter()
            .filter_map(|le| {
                let labels: Vec<_> = labels.iter().copied().chain([("le", le)]).collect();
                Some((le.parse().ok()?, self.increase(&bucket, &labels)))
            })
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all = buckets.last().map_or(0.0, |(_, count)| *count);
        buckets
            .iter()
            .find(|(_, count)| all > 0.0 && *count >= quantile * all)
            .map_or(0.0, |(bound, _)| *bound)
    }

    fn operations(&self) -> Vec<OperationReport> {
        let names: BTreeSet<(&str, &str)> = self
            .after
            .named(telemetry::CALLS)
            .map(|sample| (sample.label("surface"), sample.label("operation")))
            .collect();
        let report = |(surface, operation)| {
            let labels = [("surface", surface), ("operation", operation)];
            let calls_per_second = self.rate(telemetry::CALLS, &labels);
            let ok = self.rate(telemetry::CALLS, &[labels[0], labels[1], ("result", "ok")]);
            let milliseconds = |quantile| self.quantile(telemetry::CALL_SECONDS, &labels, quantile) * 1000.0;
            (calls_per_second > 0.0).then(|| OperationReport {
                surface: surface.to_owned(),
                operation: operation.to_owned(),
                calls_per_second,
                errors_per_second: calls_per_second - ok,
                p50_milliseconds: milliseconds(0.5),
                p99_milliseconds: milliseconds(0.99),
            })
        };
        let mut operations: Vec<OperationReport> = names.into_iter().filter_map(report).collect();
        operations.sort_by(|a, b| b.calls_per_second.total_cmp(&a.calls_per_second));
        operations
    }

    fn token(&self, info: &Sample) -> TokenReport {
        let serial = info.label("token");
        let of_token = [("token", serial)];
        let workers = |state| self.after.sum(telemetry::TOKEN_WORKERS, &[of_token[0], ("state", state)]);
        let sessions =
            self.after.named(telemetry::TOKEN_SESSIONS).find(|sample| sample.label("token") == serial);
        TokenReport {
            serial: serial.to_owned(),
            label: info.label("label").to_owned(),
            is_up: self.after.sum(telemetry::TOKEN_UP, &of_token) == 1.0,
            workers_running: workers("running"),
            workers_starting: workers("starting"),
            workers_failed: workers("failed"),
            worker_ends: self.after.sum(telemetry::TOKEN_WORKER_ENDS, &of_token),
            calls_running: self.after.sum(telemetry::TOKEN_RUNNING, &of_token),
            calls_waiting: self.after.sum(telemetry::TOKEN_WAITING, &of_token),
            sessions: sessions.map(|sample| sample.value),
            errors_per_second: self.rate(telemetry::TOKEN_ERRORS, &of_token),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn computes_rates_and_quantiles_of_an_interval() {
        let start = Instant::now();
        let text = |calls: u32, fast: u32, all: u32| {
            format!(
                "strongroom_calls_total{{surface=\"grpc\",operation=\"KeySign\",result=\"ok\"}} {calls}\n\
                 strongroom_calls_total{{surface=\"grpc\",operation=\"KeySign\",result=\"FORBIDDEN\"}} 4\n\
                 strongroom_call_duration_seconds_bucket{{surface=\"grpc\",operation=\"KeySign\",le=\"0.001\"}} {fast}\n\
                 strongroom_call_duration_seconds_bucket{{surface=\"grpc\",operation=\"KeySign\",le=\"0.01\"}} {all}\n\
                 strongroom_call_duration_seconds_bucket{{surface=\"grpc\",operation=\"KeySign\",le=\"+Inf\"}} {all}\n"
            )
        };
        let before = Samples::parse(&text(10, 10, 10), start);
        let after = Samples::parse(&text(30, 25, 30), start + Duration::from_secs(2));
        let report = Report::between(&before, &after);
        assert_eq!((report.calls_per_second, report.errors_per_second), (10.0, 0.0));
        let [sign] = report.operations.as_slice() else { panic!("{report:?}") };
        assert_eq!((sign.p50_milliseconds, sign.p99_milliseconds), (1.0, 10.0));
        // After a restart, counters begin anew.
        let restarted =
            Report::between(&after, &Samples::parse(&text(6, 6, 6), after.at + Duration::from_secs(1)));
        assert_eq!(restarted.calls_per_second, 10.0);
    }
}
