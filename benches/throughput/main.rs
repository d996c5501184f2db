//! What the service costs: the token used directly, beside the same token behind gRPC, TLS, roles and the audit log.
//!
//! `make bench` prints a table; `docs/performance.md` says how to read it. Three processes take part: this one, which
//! calls; a real `strongroom serve --dev`; and a copy of this program that uses SoftHSM through `cryptoki` alone.
//! Cells of the table are measured in turn, in rounds, so that whatever else the machine does hits all of them.

mod measure;
mod raw;
mod service;
mod table;
mod work;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;

use measure::Median;
use raw::Raw;
use service::Service;
use work::{KeyObject, Work};

/// Measures the service against the token it uses.
#[derive(Parser)]
struct Arguments {
    /// Callers at once, each waiting for its answer before it asks again
    #[arg(long, value_delimiter = ',', default_value = "1,8,32")]
    callers: Vec<usize>,
    /// Connections that the callers of the service share
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// How often the whole table is measured; what is printed is the median
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each cell is measured in each round, in milliseconds
    #[arg(long, default_value_t = 1_000)]
    milliseconds: u64,
    /// Measure this operation alone
    #[arg(long)]
    only: Option<Work>,
    /// Measure this program, for example an earlier version, instead of the one just built
    #[arg(long, default_value = env!("CARGO_BIN_EXE_strongroom"), hide_default_value = true)]
    program: PathBuf,
    /// Be the process that uses the token in this directory directly
    #[arg(long, hide = true)]
    token: Option<PathBuf>,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(directory) = &arguments.token {
        return raw::serve(directory);
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(&arguments))
}

/// One line of the table, in the making.
struct Line {
    work: Work,
    callers: usize,
    raw: Median,
    copy: Median,
    service: Median,
}

async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let started = Instant::now();
    let time = Duration::from_millis(arguments.milliseconds);
    let mut raw = Raw::start()?;
    let service = Service::start(&arguments.program, arguments.connections).await?;
    table::head(&raw.description, arguments)?;

    let works = Work::ALL.iter().filter(|work| arguments.only.is_none_or(|only| only == **work));
    let mut lines: Vec<Line> = works
        .flat_map(|work| arguments.callers.iter().map(|callers| (*work, *callers)))
        .map(|(work, callers)| Line {
            work,
            callers,
            raw: Median::default(),
            copy: Median::default(),
            service: Median::default(),
        })
        .collect();
    for _ in 0..arguments.rounds {
        for line in &mut lines {
            let Line { work, callers, .. } = *line;
            if work.uses_token() {
                line.raw.add(raw.measure(work, KeyObject::Token, callers, time)?);
            }
            line.service.add(service.measure(work, callers, time).await?);
            if work.uses_private_key() {
                line.copy.add(raw.measure(work, KeyObject::Copy, callers, time / 2)?);
            }
        }
    }
    table::print(&lines, started.elapsed())
}

/// How long a cell runs before it is measured.
const WARM_UP: Duration = Duration::from_millis(150);
