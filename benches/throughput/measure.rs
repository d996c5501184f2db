//! Figures: what was measured in one cell, the median of rounds, and the time a process spent computing.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// One cell, measured once.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Calls answered in a second.
    pub(crate) rate: f64,
    /// Microseconds of processor time that the answering process spent on a call, in all its threads; none where
    /// the system does not tell.
    pub(crate) processor: Option<f64>,
    /// Microseconds that half of the callers waited at most.
    pub(crate) half: f64,
    /// Microseconds that 99 of 100 callers waited at most.
    pub(crate) most: f64,
}

impl Sample {
    /// What these calls come to.
    pub(crate) fn new(mut latencies: Vec<Duration>, elapsed: Duration, processor: Option<Duration>) -> Self {
        latencies.sort_unstable();
        let calls = latencies.len().max(1) as f64;
        let at = |share: f64| {
            let place = (share * calls) as usize;
            latencies.get(place.min(latencies.len().saturating_sub(1))).map_or(0.0, |time| micros(*time))
        };
        Self {
            rate: latencies.len() as f64 / elapsed.as_secs_f64(),
            processor: processor.map(|time| micros(time) / calls),
            half: at(0.5),
            most: at(0.99),
        }
    }
}

/// Samples of one cell.
#[derive(Debug, Default)]
pub(crate) struct Median(Vec<Sample>);

impl Median {
    pub(crate) fn add(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// The median of one figure.
    pub(crate) fn of(&self, figure: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        let mut figures: Vec<f64> = self.0.iter().filter_map(figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied()
    }
}

/// The processor time and the wall time since this was made.
pub(crate) struct Meter {
    process: u32,
    spent: Option<Duration>,
    started: Instant,
}

impl Meter {
    /// Begins to measure a process.
    pub(crate) fn start(process: u32) -> Self {
        Self { process, spent: spent(process), started: Instant::now() }
    }

    /// What these calls come to, which were made since.
    pub(crate) fn stop(self, latencies: Vec<Duration>) -> Sample {
        let elapsed = self.started.elapsed();
        let processor = spent(self.process).zip(self.spent).map(|(now, then)| now.saturating_sub(then));
        Sample::new(latencies, elapsed, processor)
    }
}

/// The processor time a process has spent, its own and the kernel's for it. Linux alone tells simply.
fn spent(process: u32) -> Option<Duration> {
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
