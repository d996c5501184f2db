//! Formats the table as text.

use std::io::Write as _;
use std::time::Duration;

use crate::measure::Sample;
use crate::work::Surface;
use crate::{Arguments, Line, machine};

/// Prints the measured module, the machine and the parameters.
pub(crate) fn head(module: &str, arguments: &Arguments) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let Arguments { rounds, milliseconds, connections, .. } = arguments;
    writeln!(out, "{module}; {}", machine::describe()?)?;
    writeln!(out, "{rounds} rounds of {milliseconds} ms per cell, {connections} connection(s)\n")?;
    Ok(out.flush()?)
}

/// Prints the measurements.
pub(crate) fn print(lines: &[Line], surface: Surface, workers: &str, took: Duration) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{:33}|{:^29}|{:^40}|{:^7}",
        "",
        "token, used directly",
        format!("service, {}", surface.title()),
        "service"
    )?;
    writeln!(
        out,
        "{:24}{:>8} |{:>9}{:>7}{:>7}{:>5} |{:>9}{:>7}{:>7}{:>8}{:>8} |{:>7}",
        "", "callers", "/s", "cpu", "copy", "p50", "/s", "cpu", "added", "p50", "p99", "/ token"
    )?;
    let rate = |sample: &Sample| Some(sample.rate);
    let processor = |sample: &Sample| sample.processor;
    for line in lines {
        let added = line.service.of(processor).zip(line.raw.of(processor)).map(|(ours, raw)| ours - raw);
        let ratio = line.service.of(rate).zip(line.raw.of(rate)).map(|(ours, raw)| ours / raw);
        writeln!(
            out,
            "{:24}{:>8} |{:>9}{:>7}{:>7}{:>5} |{:>9}{:>7}{:>7}{:>8}{:>8} |{:>7}",
            line.work.title(),
            line.callers,
            format_rounded(line.raw.of(rate)),
            format_rounded(line.raw.of(processor)),
            format_rounded(line.copy.of(processor)),
            format_rounded(line.raw.of(|sample| Some(sample.p50))),
            format_rounded(line.service.of(rate)),
            format_rounded(line.service.of(processor)),
            format_rounded(added),
            format_rounded(line.service.of(|sample| Some(sample.p50))),
            format_rounded(line.service.of(|sample| Some(sample.p99))),
            ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
        )?;
    }
    writeln!(out, "\ncpu, copy, added, p50 and p99 in microseconds; see docs/performance.md")?;
    writeln!(out, "{workers}; measured in {} s", took.as_secs())?;
    Ok(out.flush()?)
}

fn format_rounded(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |figure| format!("{figure:.0}"))
}
