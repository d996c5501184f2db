//! The recorder of metrics: keeps what the code records, and renders it.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;

use crate::telemetry::{self, Kind};

/// The upper bounds of the buckets of durations, in seconds: a signature takes 100 us to 10 ms, the generation of an RSA key
/// seconds.
const DURATIONS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
    60.0,
];
/// The upper bounds of the buckets of numbers of records.
const RECORDS: [f64; 8] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 128.0, 512.0];
/// The time after which a gauge that is not set any more is not rendered: that of a token that was closed. All gauges are set whenever
/// metrics are requested, and none is kept as a handle, which would not be rendered again afterwards.
const STALE: Duration = Duration::from_secs(300);
/// The interval at which observations are added to their buckets, if no metrics are requested.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of the process.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// A handle to the recorder of the process.
#[derive(Clone)]
pub(super) struct Recorder(PrometheusHandle);

impl Recorder {
    /// Returns the recorder of the process; what is recorded before the first call is lost.
    ///
    /// # Errors
    /// If another recorder is installed.
    pub(super) fn install() -> anyhow::Result<Self> {
        if let Some(installed) = RECORDER.get() {
            return Ok(Self(installed.clone()));
        }
        let handle = install()?;
        Ok(Self(RECORDER.get_or_init(|| handle).clone()))
    }

    /// Renders all metrics in the text format of Prometheus.
    pub(super) fn render(&self) -> String {
        self.0.render()
    }

    /// Bounds the memory of observations while no metrics are requested.
    pub(super) async fn run_upkeep(self) {
        let mut tick = tokio::time::interval(UPKEEP);
        loop {
            tick.tick().await;
            self.0.run_upkeep();
        }
    }
}

fn install() -> anyhow::Result<PrometheusHandle> {
    let mut builder = PrometheusBuilder::new().idle_timeout(MetricKindMask::GAUGE, Some(STALE));
    for metric in telemetry::ALL.iter().filter(|metric| metric.kind == Kind::Histogram) {
        let buckets: &[f64] = if metric.name.ends_with("_seconds") { &DURATIONS } else { &RECORDS };
        builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), buckets)?;
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).context("another recorder of metrics is installed")?;
    telemetry::describe_all();
    Ok(handle)
}
