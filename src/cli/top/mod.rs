//! `strongroom top`: shows rates, latencies, workers, tokens and due work of a running service, from its metrics.

mod report;
mod samples;
mod screen;

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use clap::Args;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use super::failure::{Failure, Outcome};
use super::options::Format;
use super::{Context, connection};
use report::Report;
use samples::Samples;

/// Where the metrics are, and how often they are read.
#[derive(Args, Clone, Debug)]
pub struct TopArgs {
    /// URL of the metrics of the service [default: that of the simulator in the data directory]
    #[arg(long, value_name = "URL")]
    metrics: Option<String>,
    /// Seconds between two updates
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..), value_name = "SECONDS")]
    interval: u16,
    /// Print one report and stop; so it is if the output is no terminal, or is JSON
    #[arg(long)]
    once: bool,
}

/// Shows reports until the user stops it.
pub(super) async fn run(context: &Context, args: TopArgs) -> Outcome {
    let url = match args.metrics {
        Some(url) => url,
        None => metrics_url(context)?,
    };
    let source = Source { url, client: reqwest::Client::new(), timeout: context.options.request_timeout() };
    let interval = Duration::from_secs(args.interval.into());
    let before = source.read().await?;
    let is_terminal = std::io::stdout().is_terminal() && context.output.format() == Format::Table;
    if is_terminal && !args.once {
        return show(&source, before, interval).await;
    }
    pause(interval).await;
    let report = Report::between(&before, &source.read().await?);
    context.output.print(&report, || screen::text(&report))
}

/// Returns the URL of the simulator in the data directory.
fn metrics_url(context: &Context) -> Outcome<String> {
    let connection = connection::load_required(&context.options.data_dir())?;
    connection.metrics.ok_or_else(|| {
        Failure::problem("the simulator serves no metrics")
            .hint("its address was in use at start-up (set metrics.listen), or metrics.listen is `off`")
    })
}

/// Where metrics are read.
struct Source {
    url: String,
    client: reqwest::Client,
    timeout: Duration,
}

impl Source {
    async fn read(&self) -> Outcome<Samples> {
        let failed = |error: reqwest::Error| {
            Failure::problem(format!("cannot read metrics from {}: {}", self.url, error.without_url()))
                .hint("--metrics URL sets the address; a gateway serves metrics if metrics.listen is set")
        };
        let sent = self.client.get(&self.url).timeout(self.timeout).send().await;
        let text = sent
            .and_then(reqwest::Response::error_for_status)
            .map_err(failed)?
            .text()
            .await
            .map_err(failed)?;
        Ok(Samples::parse(&text, Instant::now()))
    }
}

/// Shows reports on the terminal until the user quits. The terminal is restored afterwards, also after a failure.
async fn show(source: &Source, before: Samples, interval: Duration) -> Outcome {
    let failed = |error: std::io::Error| Failure::problem(format!("cannot use the terminal: {error}"));
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let mut before = before;
    let ended = loop {
        match wait_for_quit(interval).await {
            Ok(false) => {}
            Ok(true) => break Ok(()),
            Err(error) => break Err(failed(error)),
        }
        let after = match source.read().await {
            Ok(after) => after,
            Err(failure) => break Err(failure),
        };
        let report = Report::between(&before, &after);
        if let Err(error) = terminal.draw(|frame| screen::draw(frame, &report)) {
            break Err(failed(error));
        }
        before = after;
    };
    ratatui::restore();
    ended
}

/// Waits for an interval, or until the user quits. Returns whether the user quits.
async fn wait_for_quit(interval: Duration) -> std::io::Result<bool> {
    let wait = move || {
        let end = Instant::now() + interval;
        loop {
            if !event::poll(end.saturating_duration_since(Instant::now()))? {
                return Ok(false);
            }
            if let Event::Key(key) = event::read()?
                && key.kind == KeyEventKind::Press
                && (matches!(key.code, KeyCode::Char('q') | KeyCode::Esc)
                    || (key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)))
            {
                return Ok(true);
            }
        }
    };
    tokio::task::spawn_blocking(wait).await.map_err(std::io::Error::other)?
}

async fn pause(time: Duration) {
    #[expect(clippy::disallowed_methods, reason = "rates are those of an interval of real time")]
    tokio::time::sleep(time).await;
}
