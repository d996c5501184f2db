//! The server process: opens the service, listens, and shuts down in order. A gateway and a simulator each pass it what
//! is different about them.

pub mod files;

mod audit_maintenance;
mod connections;
mod console;
mod health_check;
mod metrics;
mod opening;
pub(crate) mod plain_http;
mod probes;
mod process;
mod request_router;
mod shell;
mod token_renewal;
mod traces;
mod unread_body;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub(crate) use console::ConsoleSettings;
pub(crate) use opening::{
    DirectoryLock, InitialHsm, InitialRole, InitialSubscription, InitialVault, Installation, check_threads,
    in_processes, isolation, managed_identity, open, profile, server_at, store_instance, store_location,
};
pub(crate) use process::core_dumps::disable as disable_core_dumps;
pub(crate) use process::log::start as start_log;
pub(crate) use shell::{is_shell_safe, shell_quoted};
pub(crate) use traces::TraceExporter;

use crate::api::grpc::Services;
use crate::config::Config;
use crate::engine::Engine;
use crate::jobs::{Scheduler, monitor_clock, run_backup_jobs};
use connections::{ConnectionStatus, Listeners};
use health_check::HealthMonitor;
use metrics::MetricsListener;
use opening::Service;
use probes::Probes;
use process::service_manager;

/// The interval at which the sweeper recovers interrupted operations.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);
/// The maximum part of the shutdown timeout that is reserved for tokens and database.
const MAX_CLOSE_TIME: Duration = Duration::from_secs(3);
/// The minimum shutdown timeout.
const MIN_SHUTDOWN_TIME: Duration = Duration::from_secs(1);
/// The interval of health checks of the tokens.
const HEALTH_CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A server that has bound its addresses, and answers no requests yet.
pub(crate) struct Server {
    terminate: Signal,
    interrupt: Signal,
    renewal: Signal,
    listeners: Listeners,
    metrics: Option<MetricsListener>,
}

impl Server {
    /// Binds the configured address. From now on, SIGTERM and SIGINT stop the server instead of killing the process, and SIGUSR1 renews
    /// its tokens.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub(crate) async fn bind(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("waiting for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("waiting for SIGINT")?,
            renewal: signal(SignalKind::user_defined1()).context("waiting for SIGUSR1")?,
            listeners: connections::bind(config.server.listen).await?,
            metrics: MetricsListener::bind(config).await,
        })
    }

    /// Returns the bound port.
    pub(crate) fn port(&self) -> u16 {
        self.listeners.port()
    }

    /// Returns the URL at which metrics are served, if they are.
    pub(crate) fn metrics_url(&self) -> Option<String> {
        self.metrics.as_ref().map(MetricsListener::url)
    }

    /// Serves until SIGTERM or SIGINT. Calls `announce` when requests are answered.
    ///
    /// # Errors
    /// If the service cannot start, or `announce` fails.
    pub(crate) async fn serve(
        self,
        config: &Config,
        service: Service,
        announce: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitCode> {
        let Self { mut terminate, mut interrupt, renewal, listeners, metrics } = self;
        let swept = service.engine.sweep().await;
        if swept.concluded > 0 {
            tracing::info!(
                intents = swept.concluded,
                "recovered operations that the last run left incomplete"
            );
        }

        let (reporter, health) = tonic_health::server::health_reporter();
        let monitor = HealthMonitor::new(reporter, Services::names().collect()).await;
        let scheduler = Scheduler::new(service.engine.clone());
        let closing = CancellationToken::new();
        let probes = Probes {
            monitor: Arc::clone(&monitor),
            clock: service.engine.clock().clone(),
            mode: config.mode,
            closing: closing.clone(),
            tells_reasons: false,
        };
        let web = request_router::RequestRouter::new(&service, config, (health, probes.clone()), &scheduler)?;
        let serving = connections::serve(listeners, web, Arc::clone(&service.tls), config);
        let _metrics = metrics.map(|metrics| metrics.serve(service.engine.clone(), serving.status(), probes));
        let background = tokio::spawn(run_maintenance(service.engine.clone(), monitor, serving.status()));
        let backups = tokio::spawn(run_backup_jobs(service.engine.clone()));
        let scheduled = tokio::spawn(scheduler.run());
        let audit_log =
            tokio::spawn(audit_maintenance::maintain(service.engine.clone(), config.audit.clone()));
        let time = tokio::spawn(monitor_clock(service.engine.clone()));
        let renewal =
            tokio::spawn(token_renewal::renew_on(renewal, service.engine.clone(), config.token.pin.clone()));
        announce()?;
        let alive = service_manager::ready();

        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: completing requests in progress"),
            _ = interrupt.recv() => tracing::info!("SIGINT: completing requests in progress"),
        }
        service_manager::stopping();
        closing.cancel();
        background.abort();
        backups.abort();
        scheduled.abort();
        audit_log.abort();
        time.abort();
        renewal.abort();
        let patience = Duration::from_secs(config.server.shutdown_seconds);
        let started = Instant::now();
        kill_after(patience.max(MIN_SHUTDOWN_TIME));
        // Requests complete first, and leave time to close tokens and database.
        let rest = (patience / 2).min(MAX_CLOSE_TIME);
        let served = serving.stop(patience.saturating_sub(rest)).await;
        alive.abort();
        Ok(close(service, served, patience.saturating_sub(started.elapsed()).max(rest)).await)
    }
}

/// Kills the process after `patience` even if tasks are still running: all answered calls are already durable.
fn kill_after(patience: Duration) {
    let watchdog = std::thread::Builder::new().name("shutdown".to_owned()).spawn(move || {
        #[expect(clippy::disallowed_methods, reason = "the shutdown timeout uses real time")]
        std::thread::sleep(patience);
        tracing::error!("shutdown timed out; killing the process");
        kill_process();
    });
    if let Err(error) = watchdog {
        tracing::error!(%error, "cannot start the shutdown watchdog");
    }
}

/// Kills the process without running exit handlers of the process or of the PKCS#11 module.
fn kill_process() {
    // `exit` would run the module's exit handlers during its running call, which crashes (measured).
    let pid = std::process::id().to_string();
    let _ = std::process::Command::new("kill").args(["-KILL", &pid]).status();
}

/// Runs the maintenance of the service: reports missing key material once, then sweeps and checks health periodically.
async fn run_maintenance(engine: Engine, monitor: Arc<HealthMonitor>, connections: ConnectionStatus) {
    tokio::join!(report_missing_material(&engine), sweep_and_check_health(&engine, &monitor, &connections));
}

/// Logs how many key versions have no key material in the token.
async fn report_missing_material(engine: &Engine) {
    match engine.missing_material().await {
        Ok(0) => {}
        Ok(missing) => {
            tracing::error!(missing, "key versions without material in the token; nothing was changed")
        }
        Err(error) => tracing::error!(error = %error.with_causes(), "cannot list the objects of a token"),
    }
}

/// Runs the sweeper and the health checks periodically.
async fn sweep_and_check_health(engine: &Engine, monitor: &HealthMonitor, connections: &ConnectionStatus) {
    let mut health = tokio::time::interval(HEALTH_CHECK_INTERVAL);
    let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        tokio::select! {
            _ = sweep.tick() => {
                engine.sweep().await;
            }
            _ = health.tick() => {
                connections.check();
                monitor.check(engine).await;
            }
        }
    }
}

/// Closes the tokens and finalizes the module, in this order. Finalizing the module, or exiting, during a call can
/// crash in the module; if a call does not complete in time, the process is killed instead.
async fn close(service: Service, served: bool, patience: Duration) -> ExitCode {
    let drained = service.engine.shut_down(patience).await;
    let Service { engine, module, lock, .. } = service;
    drop(engine);
    if drained {
        if let Err(error) = module.finalize() {
            tracing::warn!(error = %error.with_causes(), "cannot finalize the PKCS#11 module");
        }
        drop(lock);
        if !served {
            tracing::warn!("some requests did not complete in time and were aborted");
        }
        tracing::info!("stopped");
        return ExitCode::SUCCESS;
    }
    tracing::error!("a call to the token did not complete in time; killing the process");
    kill_process();
    ExitCode::FAILURE
}
