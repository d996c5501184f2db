//! Measurements: samples of a cell, their median, and a process's processor time.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// One measurement of a cell.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Completed calls per second.
    pub(crate) rate: f64,
    /// Processor time per call of the called process and its children, in microseconds; `None` if the system does not
    /// report it.
    pub(crate) processor: Option<f64>,
    /// The median latency, in microseconds.
    pub(crate) p50: f64,
    /// The 99th percentile of the latency, in microseconds.
    pub(crate) p99: f64,
}

impl Sample {
    /// Computes a sample from the latencies of all calls, the wall time and the processor time.
    pub(crate) fn new(mut latencies: Vec<Duration>, elapsed: Duration, processor: Option<Duration>) -> Self {
        latencies.sort_unstable();
        let calls = latencies.len().max(1) as f64;
        let percentile = |share: f64| {
            let index = (share * calls) as usize;
            latencies.get(index.min(latencies.len().saturating_sub(1))).map_or(0.0, |time| micros(*time))
        };
        Self {
            rate: latencies.len() as f64 / elapsed.as_secs_f64(),
            processor: processor.map(|time| micros(time) / calls),
            p50: percentile(0.5),
            p99: percentile(0.99),
        }
    }
}

/// The samples of one cell, from which medians are computed.
#[derive(Debug, Default)]
pub(crate) struct Median(Vec<Sample>);

impl Median {
    pub(crate) fn add(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// The median of one figure; `None` if no sample has it.
    pub(crate) fn of(&self, figure: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let mut figures: Vec<f64> = self.0.iter().filter_map(figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied()
    }
}

/// Measures wall time and a process's processor time from its creation.
pub(crate) struct Meter {
    processes: Vec<u32>,
    spent: Option<Duration>,
    started: Instant,
}

impl Meter {
    /// Starts measuring processes.
    pub(crate) fn start(processes: Vec<u32>) -> Self {
        Self { spent: spent(&processes), processes, started: Instant::now() }
    }

    /// Stops measuring, and returns the sample of the calls since the start.
    pub(crate) fn stop(self, latencies: Vec<Duration>) -> Sample {
        let elapsed = self.started.elapsed();
        let processor = spent(&self.processes).zip(self.spent).map(|(now, then)| now.saturating_sub(then));
        Sample::new(latencies, elapsed, processor)
    }
}

/// The user and system time of processes and their children, the worker processes of a service. Supported on Linux only.
fn spent(processes: &[u32]) -> Option<Duration> {
    let of_one = |process: &u32| {
        let own = spent_by(*process);
        children(*process).into_iter().filter_map(spent_by).fold(own, |sum, more| Some(sum? + more))
    };
    processes.iter().map(of_one).sum()
}

/// The children of a process that run.
pub(crate) fn children(process: u32) -> Vec<u32> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let parse =
        |list: String| list.split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>();
    lists.flat_map(parse).collect()
}

/// The user and system time of one process.
fn spent_by(process: u32) -> Option<Duration> {
    // proc(5): utime and stime are the 12th and 13th fields after the name, in ticks of a hundredth of a second.
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_ascii_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks: u64 = ticks.sum::<Result<u64, _>>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
