//! Sets up the diagnostic log on standard error, and the export of traces.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{ConfigError, Log, LogFormat};
use crate::server::traces::TraceExporter;
use crate::telemetry::TRACES;

/// Installs the global subscriber: the log, and the export of traces if there is an exporter.
///
/// # Errors
/// If the filter of the log is invalid.
pub(crate) fn start(config: &Log, traces: Option<&TraceExporter>) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&config.filter)
        .map_err(|error| ConfigError::new(format!("log.filter: {error}")))?;
    let pretty = match config.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if pretty {
        lines.with_target(false).with_filter(filter).boxed()
    } else {
        lines.json().flatten_event(true).with_filter(filter).boxed()
    };
    let exported = traces.map(|exporter| {
        let spans = Targets::new().with_target(TRACES, LevelFilter::TRACE);
        tracing_opentelemetry::layer().with_tracer(exporter.tracer()).with_filter(spans)
    });
    // A second call in the same process keeps the first subscriber.
    let _ = tracing_subscriber::registry().with(lines).with(exported).try_init();
    Ok(())
}
