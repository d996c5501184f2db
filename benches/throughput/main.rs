//! Measures the overhead of the service: direct use of a token against the service with gRPC, TLS, RBAC and audit log.
//!
//! `make bench` prints a table, which `docs/performance.md` explains. There are three processes: this one, which sends
//! the calls; `strongroom serve --dev`; and a child of this program that uses SoftHSM directly through `cryptoki`.
//! The cells of the table are measured alternately, in rounds, so that other load of the machine affects all of them.

mod grpc;
mod instances;
#[path = "../kit/machine.rs"]
mod machine;
mod measure;
mod overload;
mod raw;
mod rest;
mod service;
#[path = "../kit/simulator.rs"]
mod simulator;
#[path = "../kit/softhsm.rs"]
mod softhsm;
mod table;
mod work;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;

use measure::Median;
use raw::Raw;
use service::Service;
use work::{KeyObject, Surface, Work};

/// Measures the service against the token it uses.
#[derive(Parser)]
struct Arguments {
    /// Number of concurrent callers; each waits for a reply before its next call
    #[arg(long, value_delimiter = ',', default_value = "1,8,32")]
    callers: Vec<usize>,
    /// Surface of the service that is called
    #[arg(long, default_value = "grpc")]
    surface: Surface,
    /// Measure four times as many callers as the peak has, and a queue with fewer places, instead of the table
    #[arg(long)]
    overload: bool,
    /// URL of the PostgreSQL database, which is empty, that the service uses instead of SQLite
    #[arg(long)]
    store: Option<String>,
    /// Number of instances of the service over the database and the token; calls over gRPC are distributed among them
    #[arg(long, default_value_t = 1)]
    instances: usize,
    /// Number of connections that the callers of gRPC share, to each instance; callers of REST have one each
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// Number of measurements of the whole table; the median is printed
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Duration of the measurement of a cell in each round, in milliseconds
    #[arg(long, default_value_t = 1_000)]
    milliseconds: u64,
    /// Where the service runs calls to its token: "process" or "threads" [default: that of the service]
    #[arg(long)]
    isolation: Option<String>,
    /// Measure only this operation
    #[arg(long)]
    only: Option<Work>,
    /// Measure this program, for example an earlier version, instead of the one just built
    #[arg(long, default_value = env!("CARGO_BIN_EXE_strongroom"), hide_default_value = true)]
    program: PathBuf,
    /// Run as the child process that uses the token in this directory directly
    #[arg(long, hide = true)]
    token: Option<PathBuf>,
    /// Passed by cargo bench, ignored
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(directory) = &arguments.token {
        return raw::serve(directory);
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        if arguments.overload { overload::measure(&arguments).await } else { measure(&arguments).await }
    })
}

/// The samples of one line of the table.
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
    let service = Service::start(arguments, arguments.connections, None).await?;
    table::head(&raw.description, arguments)?;

    let works = Work::ALL
        .iter()
        .filter(|work| arguments.surface.has(**work) && arguments.only.is_none_or(|only| only == **work));
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
    table::print(&lines, arguments.surface, &service.describe(), started.elapsed())
}

/// The duration of the calls before a cell is measured.
const WARM_UP: Duration = Duration::from_millis(150);
