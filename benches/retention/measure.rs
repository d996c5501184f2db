//! Opens a store with deleted keys, idles, and runs the due purges.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use strongroom::clock::Clock;
use strongroom::identity::{Identity, Settings};
use strongroom::jobs::Scheduler;
use strongroom::model::Timestamp;
use strongroom::model::change::Change;
use strongroom::model::time::ClockSetting;
use strongroom::ops::AttachedTokens;
use strongroom::store::Commit;
use strongroom::token::Selector;

use crate::contents::hsm_name;
use crate::engine::{engine, open_store, token_pool};
use crate::fill::FIRST_PURGE_AT;

/// How long the idle service is measured.
const IDLE: Duration = Duration::from_secs(5);

/// The measurements of one store.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// Opening the store, in milliseconds.
    open_ms: u128,
    /// Resident memory afterwards, in mebibytes.
    memory_mib: u64,
    /// Processor time without due work, in milliseconds per second.
    idle_ms_per_s: f64,
    /// Time from the scheduled purge date until the last key is purged, per purge, in microseconds.
    purge_us: u128,
    /// Processor time per purge, in microseconds.
    purge_cpu_us: u128,
}

impl Measurement {
    /// The column headings.
    pub(crate) const HEADING: &'static str =
        "     keys   open ms   memory MiB   idle ms/s   purge us   purge cpu us";

    /// Formats a line of the table.
    pub(crate) fn line(&self, keys: usize) -> String {
        let Self { open_ms, memory_mib, idle_ms_per_s, purge_us, purge_cpu_us } = self;
        format!(
            "{keys:>9} {open_ms:>9} {memory_mib:>12} {idle_ms_per_s:>11.2} {purge_us:>10} {purge_cpu_us:>14}"
        )
    }
}

/// Measures the store in a directory.
pub(crate) async fn measure(directory: &Path, due: usize) -> anyhow::Result<Measurement> {
    let clock = Clock::virtual_clock();
    let started = Instant::now();
    let store = open_store(directory, &clock).await?;
    let open_ms = started.elapsed().as_millis();
    let memory_mib = resident_mib()?;

    let (_, supply) = token_pool(directory)?;
    let tokens = AttachedTokens::default();
    let serial = store.hsm(&hsm_name()).map(|hsm| hsm.token_serial.clone()).unwrap_or_default();
    tokens.attach(&hsm_name().into(), supply.open(&Selector::Serial(serial), true).await?);
    let identity = Identity::new(Settings::default()).await?;
    let engine = engine(directory, identity, (store.clone(), clock), (supply, tokens))?;
    let scheduler = tokio::spawn(Scheduler::new(engine.clone()).run());

    pause(Duration::from_secs(1)).await;
    let before = processor_time()?;
    pause(IDLE).await;
    let idle = processor_time()? - before;

    let keys = store.key_count(&hsm_name().into());
    let mut changes = store.watch();
    let (before, started) = (processor_time()?, Instant::now());
    let frozen = Some(Timestamp::from_second(FIRST_PURGE_AT)?);
    let set = vec![Change::SetClock(ClockSetting { offset: 0, frozen })];
    store.commit(Commit { changes: set, ..Commit::default() }).await?;
    while store.key_count(&hsm_name().into()) > keys - due {
        changes.changed().await?;
    }
    let (elapsed, spent) = (started.elapsed(), processor_time()? - before);
    scheduler.abort();
    engine.shut_down(Duration::from_secs(10)).await;
    let purges = u128::try_from(due.max(1))?;
    Ok(Measurement {
        open_ms,
        memory_mib,
        idle_ms_per_s: idle.as_secs_f64() * 1000.0 / IDLE.as_secs_f64(),
        purge_us: elapsed.as_micros() / purges,
        purge_cpu_us: spent.as_micros() / purges,
    })
}

#[expect(clippy::disallowed_methods, reason = "the idle time is measured in real time")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Resident memory of this process.
fn resident_mib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

/// Processor time of this process so far. The kernel counts in hundredths of a second.
fn processor_time() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().unwrap_or_default())
        .sum();
    Ok(Duration::from_millis(ticks * 10))
}
