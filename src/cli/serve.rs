//! `strongroom serve`: runs the service.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::runtime::Runtime;

use super::failure::Failure;
use super::options::Options;
use crate::config::{self, Config, Isolation, Mode, Sources};
use crate::server::{self, TraceExporter};
use crate::{gateway, simulator};

/// Mode, address and configuration of the service.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeArgs {
    /// Run the simulator, with a SoftHSM token, certificates and principals created as needed
    #[arg(long)]
    dev: bool,
    /// Address to listen on; the simulator also listens on `::1` [default: 127.0.0.1:8443]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<std::net::SocketAddr>,
    /// Configuration file
    #[arg(long, env = "STRONGROOM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Returns the sources of the configuration: arguments, environment and file.
pub(crate) fn sources(options: &Options, args: &ServeArgs) -> Sources {
    let mut flags = Vec::new();
    if args.dev {
        flags.push(("mode", "simulator".to_owned()));
    }
    if let Some(address) = args.listen {
        flags.push(("server.listen", address.to_string()));
    }
    if let Some(directory) = options.explicit_data_dir() {
        flags.push(("data_dir", directory.to_string_lossy().into_owned()));
    }
    Sources::from_process(args.config.clone(), flags)
}

/// Returns a warning about environment variables that have the prefix of settings but name none.
pub(crate) fn unknown_variables_warning(sources: &Sources) -> Option<String> {
    let names = sources.unrecognized_variables();
    (!names.is_empty()).then(|| {
        format!("these environment variables are not read, since they name no setting: {}", names.join(", "))
    })
}

/// Runs the service until a signal stops it.
pub(super) fn run(options: &Options, args: ServeArgs) -> ExitCode {
    let sources = sources(options, &args);
    let config = match config::load(&sources) {
        Ok(config) => config,
        Err(error) => {
            let hint = if args.dev || args.config.is_some() {
                "`strongroom config check` checks the configuration without running the service"
            } else {
                "`strongroom serve --dev` runs the simulator without configuration; a gateway requires one, set with \
                 --config FILE"
            };
            return Failure::problem(error.to_string()).hint(hint).report();
        }
    };
    match start(&sources, config) {
        Ok(code) => code,
        Err(error) => Failure::problem(format!("{error:#}")).report(),
    }
}

fn start(sources: &Sources, config: Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let traces = {
        let _context = runtime.enter();
        TraceExporter::start(&config.traces).context("traces.endpoint")?
    };
    server::start_log(&config.log, traces.as_ref())?;
    prepare(&config)?;
    // Logged after `prepare`, which may restart the program, so that it is logged once.
    if let Some(text) = unknown_variables_warning(sources) {
        tracing::warn!("{text}");
    }
    serve(runtime, config, traces.as_ref())
}

/// Restarts the program with SoftHSM's configuration in the environment if it is missing and this process loads SoftHSM. SoftHSM reads it there, and a
/// running process must not change its environment.
fn prepare(config: &Config) -> anyhow::Result<()> {
    let threads = server::isolation(&config.token, config.mode) == Isolation::Threads;
    if config.mode != Mode::Simulator || !threads {
        return Ok(());
    }
    let (name, value) = simulator::environment(config)?;
    #[expect(clippy::disallowed_methods, reason = "a variable of SoftHSM, not a setting of Strongroom")]
    let present = std::env::var_os(name);
    if present.as_deref() == Some(value.as_os_str()) {
        return Ok(());
    }
    let error =
        Command::new(std::env::current_exe()?).args(std::env::args_os().skip(1)).env(name, value).exec();
    Err(anyhow::Error::new(error).context("cannot restart with SoftHSM's configuration in the environment"))
}

/// How long the threads of the runtime may take to end before the process exits.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

fn serve(runtime: Runtime, config: Config, traces: Option<&TraceExporter>) -> anyhow::Result<ExitCode> {
    let ended = runtime.block_on(async {
        match config.mode {
            Mode::Simulator => simulator::serve(config).await,
            Mode::Gateway => gateway::serve(config).await,
        }
    });
    // Needs the runtime.
    if let Some(traces) = traces {
        traces.shut_down();
    }
    // A thread of the runtime that has called the PKCS#11 module has state of its OpenSSL, which is freed when the thread
    // ends. If that overlaps with OpenSSL's exit handler, the process crashes. Computations that take longer call no module.
    runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
    ended
}
