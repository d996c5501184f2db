//! Formats the table as text.

use std::io::Write as _;
use std::time::Duration;

use crate::{raw, service};

/// The measurements of one number of keys.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) token: raw::Measurement,
    pub(crate) service: service::Measurement,
}

impl Column {
    /// Milliseconds per key.
    fn per_key(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1000.0 / f64::from(self.service.keys)
    }
}

/// Prints the measurements.
pub(crate) fn print(machine: &str, columns: &[Column], took: Duration) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let module = columns.first().map(|column| column.token.description.as_str()).unwrap_or_default();
    writeln!(out, "{module}; {machine}\n")?;
    let mut line = |title: &str, decimals: usize, figure: &dyn Fn(&Column) -> f64| {
        let figures = columns.iter().map(|column| format!("{:>10.decimals$}", figure(column)));
        writeln!(out, "{title:44}{}", figures.collect::<String>())
    };
    line("P-256 keys", 0, &|column| f64::from(column.service.keys))?;
    line("creation, ms per key", 2, &|column| column.per_key(column.service.create))?;
    line("backup, s", 2, &|column| column.service.backup.time.as_secs_f64())?;
    line("  ms per key", 2, &|column| column.per_key(column.service.backup.time))?;
    line("restore of unchanged keys, s", 2, &|column| column.service.unchanged.time.as_secs_f64())?;
    line("  ms per key", 2, &|column| column.per_key(column.service.unchanged.time))?;
    line("restore that unwraps all keys, s", 2, &|column| column.service.unwrapping.time.as_secs_f64())?;
    line("  ms per key", 2, &|column| column.per_key(column.service.unwrapping.time))?;
    line("token: wrap, ms per key", 2, &|column| column.per_key(column.token.wrap))?;
    line("token: unwrap, ms per key", 2, &|column| column.per_key(column.token.unwrap))?;
    line("backup / wrap", 1, &|column| ratio(column.service.backup.time, column.token.wrap))?;
    line("restore that unwraps / unwrap", 1, &|column| {
        ratio(column.service.unwrapping.time, column.token.unwrap)
    })?;
    line("size of the backup, KiB", 0, &|column| column.service.size as f64 / 1024.0)?;
    line("memory: before the backup, MiB", 0, &|column| mebibytes(column.service.memory))?;
    line("  highest during the backup", 0, &|column| mebibytes(column.service.backup.peak))?;
    line("  highest during the restore of unchanged keys", 0, &|column| {
        mebibytes(column.service.unchanged.peak)
    })?;
    line("  highest during the restore that unwraps", 0, &|column| {
        mebibytes(column.service.unwrapping.peak)
    })?;
    line("  after the restores", 0, &|column| mebibytes(column.service.memory_after))?;
    writeln!(out, "\nsee docs/performance.md; measured in {} s", took.as_secs())?;
    Ok(out.flush()?)
}

fn ratio(service: Duration, token: Duration) -> f64 {
    service.as_secs_f64() / token.as_secs_f64()
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
