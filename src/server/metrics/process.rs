//! Metrics of the process, under the names that Prometheus' client libraries use
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).

use std::fs;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use metrics::{counter, gauge};
use rustix::process::{Resource, getrlimit};

use crate::telemetry;

/// When metrics were first recorded, shortly after the start of the process.
static START: LazyLock<(f64, Instant)> = LazyLock::new(|| {
    #[expect(
        clippy::disallowed_methods,
        reason = "the start of a process is a fact of the machine, not of the service"
    )]
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since_1970.as_secs_f64(), Instant::now())
});

/// Records the metrics of this process; those that the system does not tell are left out.
pub(super) fn record() {
    let (start, started) = *START;
    gauge!(telemetry::PROCESS_START).set(start);
    gauge!(telemetry::PROCESS_UPTIME).set(started.elapsed().as_secs_f64());
    if let Some(seconds) = cpu_seconds() {
        counter!(telemetry::PROCESS_CPU).absolute(seconds);
    }
    if let Some(bytes) = resident_bytes() {
        gauge!(telemetry::PROCESS_MEMORY).set(bytes);
    }
    if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
        // The directory itself has one of them.
        gauge!(telemetry::PROCESS_DESCRIPTORS).set(count(descriptors.count().saturating_sub(1)));
    }
    if let Some(limit) = getrlimit(Resource::Nofile).current {
        gauge!(telemetry::PROCESS_DESCRIPTOR_LIMIT).set(count(usize::try_from(limit).unwrap_or(usize::MAX)));
    }
}

/// Returns a number as a metric has it.
#[expect(clippy::cast_precision_loss, reason = "metrics are floating-point numbers")]
pub(super) const fn count(number: usize) -> f64 {
    number as f64
}

/// Returns the CPU time of this process in whole seconds.
fn cpu_seconds() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, may contain spaces.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second()).as_secs())
}

fn resident_bytes() -> Option<f64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(count(pages * rustix::param::page_size()))
}
