//! The process: opens what is configured, listens, and ends in order.

mod activity;
mod admission;
mod applications;
mod audit_log;
mod banner;
mod client_verifier;
mod connection;
mod connection_file;
mod core_dumps;
mod descriptors;
mod first_byte;
mod gateway;
mod house;
mod listen;
mod log;
mod managed_identity;
mod pulse;
mod resources;
mod service_manager;
mod simulator;
mod web;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub(crate) use connection_file::{is_plain, quoted};
pub use log::start as start_log;
pub use simulator::environment as simulator_environment;

use crate::api::grpc::Services;
use crate::config::{Config, Mode};
use crate::engine::Engine;
use crate::jobs::{Scheduler, keep_time};
use house::House;
use pulse::Pulse;

/// How often the sweeper looks for what was left unfinished.
const SWEEP: Duration = Duration::from_secs(30);
/// How much of the time for shutting down is for the tokens and the database, at most.
const REST: Duration = Duration::from_secs(3);
/// How long shutting down may take where no time is configured.
const LEAST: Duration = Duration::from_secs(1);
/// How often the tokens are asked whether they are well.
const PULSE: Duration = Duration::from_secs(5);

/// Serves until a signal says to stop.
///
/// # Errors
/// What kept it from starting, with the place.
pub async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for SIGINT")?;

    if config.mode == Mode::Gateway {
        core_dumps::forbid()?;
    }
    let listeners = listen::bind(config.server.listen).await?;
    let port = listeners.port();
    let house = match config.mode {
        Mode::Simulator => simulator::open(&config, port).await?,
        Mode::Gateway => gateway::open(&config).await?,
    };
    let swept = house.engine.sweep().await;
    if swept.concluded > 0 {
        tracing::info!(intents = swept.concluded, "what the last run left unfinished was concluded");
    }

    let (reporter, health) = tonic_health::server::health_reporter();
    let pulse = Pulse::new(reporter, Services::names().collect()).await;
    let scheduler = Scheduler::new(house.engine.clone());
    let closing = CancellationToken::new();
    let web = web::Web::new(&house, &config, (health, Arc::clone(&pulse)), &scheduler, closing.clone())?;
    let serving = listen::serve(listeners, web, Arc::clone(&house.tls), &config);
    let background = tokio::spawn(keep_house(house.engine.clone(), pulse));
    let due = tokio::spawn(scheduler.run());
    let audit_log = tokio::spawn(audit_log::keep(house.engine.clone(), config.audit.clone()));
    let time = tokio::spawn(keep_time(house.engine.clone()));
    if let Some(simulator) = &house.simulator {
        connection_file::write(&config.data_dir, simulator)?;
    }
    banner::print(&house, &config, port)?;
    let alive = service_manager::ready();

    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: finishing what is under way"),
        _ = interrupt.recv() => tracing::info!("interrupted: finishing what is under way"),
    }
    service_manager::stopping();
    closing.cancel();
    background.abort();
    due.abort();
    audit_log.abort();
    time.abort();
    let patience = Duration::from_secs(config.server.shutdown_seconds);
    let started = Instant::now();
    end_after(patience.max(LEAST));
    // What is under way ends first, and leaves time for what it used.
    let rest = (patience / 2).min(REST);
    let served = serving.stop(patience.saturating_sub(rest)).await;
    alive.abort();
    Ok(end(house, served, patience.saturating_sub(started.elapsed()).max(rest)).await)
}

/// Ends the process after a time, whatever is computed, waited for or written: everything that was answered is on the
/// disk already.
fn end_after(patience: Duration) {
    let watching = std::thread::Builder::new().name("shutdown".to_owned()).spawn(move || {
        #[expect(clippy::disallowed_methods, reason = "real time: the process ends with it")]
        std::thread::sleep(patience);
        tracing::error!("not everything ended in time; ending without waiting for it");
        end_at_once();
    });
    if let Err(error) = watching {
        tracing::error!(%error, "the end of the process is not watched");
    }
}

/// Ends the process without running anything of it, or of the PKCS#11 module, any more.
fn end_at_once() {
    // `exit` would run the module's own handlers under its running call (measured: crashes).
    let pid = std::process::id().to_string();
    let _ = std::process::Command::new("kill").args(["-KILL", &pid]).status();
}

/// Looks for what is missing, sweeps, and asks the tokens how they are; none waits for another.
async fn keep_house(engine: Engine, pulse: Arc<Pulse>) {
    tokio::join!(look_for_missing(&engine), keep_well(&engine, &pulse));
}

/// Reports the key versions whose material is not in the token.
async fn look_for_missing(engine: &Engine) {
    match engine.missing_material().await {
        Ok(0) => {}
        Ok(missing) => {
            tracing::error!(missing, "key versions without material in the token; nothing was changed")
        }
        Err(error) => tracing::error!(%error, "a token cannot say what it holds"),
    }
}

/// Sweeps, and asks the tokens how they are.
async fn keep_well(engine: &Engine, pulse: &Pulse) {
    let mut beat = tokio::time::interval(PULSE);
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            _ = sweep.tick() => {
                engine.sweep().await;
            }
            _ = beat.tick() => pulse.take(engine).await,
        }
    }
}

/// Lets go of the tokens and the module, in this order. A module that is finalized, or a process that
/// ends, while a call is under way can crash in the module; then the process is ended without ceremony.
async fn end(house: House, served: bool, patience: Duration) -> ExitCode {
    let drained = house.engine.shut_down(patience).await;
    let House { engine, module, lock, .. } = house;
    drop(engine);
    if drained {
        if let Err(error) = module.finalize() {
            tracing::warn!(%error, "the PKCS#11 module could not be finalized");
        }
        drop(lock);
        if !served {
            tracing::warn!("some requests did not end in time and were cut off");
        }
        tracing::info!("stopped");
        return ExitCode::SUCCESS;
    }
    tracing::error!("a call to the token did not end in time; ending without waiting for it");
    end_at_once();
    ExitCode::FAILURE
}
