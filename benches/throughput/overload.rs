//! Measures overload: more callers than the queue of the token has places.

use std::io::Write as _;
use std::time::Duration;

use crate::measure::{Median, Sample};
use crate::service::Service;
use crate::work::Work;
use crate::{Arguments, machine};

/// The numbers of callers among which the peak is found.
const CALLERS: [usize; 2] = [32, 128];

/// The number of callers of the overloaded service, as a multiple of those of the peak.
const FACTOR: usize = 4;

/// The number of callers that share a connection at most: the service accepts 256 concurrent calls on each.
const CALLERS_PER_CONNECTION: usize = 128;

/// The measurements of callers that repeat refused calls in one way.
#[derive(Default)]
struct Line {
    answered: Median,
    refused: Vec<f64>,
}

/// Finds the peak, then alternates between it and the overloaded service, in rounds.
pub(crate) async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let time = Duration::from_millis(arguments.milliseconds);
    // The token, and not the service, must limit the rate: its queue does not fill otherwise.
    let work = arguments.only.unwrap_or(Work::Rs256);
    let service = Service::start(arguments, arguments.connections, None).await?;
    let mut best = (0.0, 0);
    for callers in CALLERS {
        let rate = service.measure(work, callers, time).await?.rate;
        if rate >= best.0 {
            best = (rate, callers);
        }
    }
    let (_, at_peak) = best;
    let (callers, queue) = (FACTOR * at_peak, at_peak);
    let connections = callers.div_ceil(CALLERS_PER_CONNECTION);
    let overloaded = Service::start(arguments, connections, Some(queue)).await?;
    let (mut peak, mut lines) = (Median::default(), [Line::default(), Line::default()]);
    for _ in 0..arguments.rounds {
        peak.add(service.measure(work, at_peak, time).await?);
        for (line, wait) in lines.iter_mut().zip([false, true]) {
            let measured = overloaded.overload(work, callers, time, wait).await?;
            line.answered.add(measured.answered);
            line.refused.push(measured.refused);
        }
    }
    let rate = |sample: &Sample| Some(sample.rate);
    let (rate_at_peak, mut out) = (peak.of(rate).unwrap_or_default(), std::io::stdout().lock());
    writeln!(out, "{} over {}; {}", work.title(), arguments.surface.title(), machine::describe()?)?;
    writeln!(out, "peak: {rate_at_peak:.0}/s with {at_peak} callers")?;
    writeln!(out, "overload: {callers} callers, {connections} connection(s), a queue of {queue}")?;
    for (line, title) in lines.iter_mut().zip(["repeated at once", "repeated later"]) {
        let answered = line.answered.of(rate).unwrap_or_default();
        let p99 = line.answered.of(|sample| Some(sample.p99)).unwrap_or_default();
        line.refused.sort_unstable_by(f64::total_cmp);
        let refused = line.refused.get(line.refused.len() / 2).copied().unwrap_or_default();
        writeln!(
            out,
            "refused calls {title:18} {answered:>7.0}/s answered, {:.2} of the peak, p99 {p99:.0} microseconds; {:.1} % of calls refused",
            answered / rate_at_peak,
            100.0 * refused
        )?;
    }
    Ok(out.flush()?)
}
