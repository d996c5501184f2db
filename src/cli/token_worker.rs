//! `strongroom token-worker`: a worker process, which the service starts.

use std::process::ExitCode;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::Failure;
use crate::config::{Log, LogFormat};
use crate::server;
use crate::token;

/// How the process logs.
#[derive(Args, Clone, Debug)]
pub struct TokenWorkerArgs {
    /// Format of the log
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    log_format: String,
    /// Filter of the log
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log_filter: String,
}

/// Serves the service until it closes standard input.
pub(super) fn run(args: &TokenWorkerArgs) -> ExitCode {
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Failure::problem(format!("{error:#}")).report(),
    }
}

fn serve(args: &TokenWorkerArgs) -> anyhow::Result<()> {
    server::disable_core_dumps()?;
    let format = match args.log_format.as_str() {
        "json" => LogFormat::Json,
        "pretty" => LogFormat::Pretty,
        _ => LogFormat::Auto,
    };
    server::start_log(&Log { filter: args.log_filter.clone(), format }, None)?;
    let _ignored = ignore_signals()?;
    Ok(token::run_worker()?)
}

/// Ignores the signals that end a service: it completes its requests first, and then ends its workers. Service managers send them
/// to all processes of a service.
fn ignore_signals() -> anyhow::Result<Vec<Signal>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _context = runtime.enter();
    let signals = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()];
    Ok(signals.into_iter().map(signal).collect::<Result<_, _>>()?)
}
