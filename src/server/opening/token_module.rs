//! Loads the PKCS#11 module: in worker processes of this program, or in this process.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::{self, Isolation, Log, LogFormat, Mode};
use crate::token::{Confinement, Files, Module, ModuleProcesses, Profile, WorkerProgram, softhsm};

/// The command of the program that runs a worker process.
pub(crate) const WORKER_COMMAND: &str = "token-worker";

/// The number of processors up to which threads are the default of a simulator.
const FEW_PROCESSORS: usize = 2;

/// Variables with secrets that the command line and the service read, and no module needs.
const SECRET_VARIABLES: [&str; 4] =
    ["IDENTITY_HEADER", "STRONGROOM_MANAGEMENT_TOKEN", "STRONGROOM_TOKEN", "STRONGROOM_VAULT_TOKEN"];

/// How long worker processes of an earlier service may take to end.
const EARLIER_WORKERS_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns where calls to the token run.
pub(crate) fn isolation(settings: &config::Token, mode: Mode) -> Isolation {
    settings.isolation.unwrap_or_else(|| match mode {
        Mode::Gateway => Isolation::Process,
        // With a token in software, worker processes gain throughput on more processors only.
        Mode::Simulator => {
            let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            if processors <= FEW_PROCESSORS { Isolation::Threads } else { Isolation::Process }
        }
    })
}

/// Checks the settings of a token whose calls run in threads.
pub(crate) fn check_threads(settings: &config::Token) -> anyhow::Result<()> {
    let limits_sessions = settings.sessions_total.is_some_and(|total| total > 0);
    anyhow::ensure!(
        !limits_sessions,
        "token.sessions_total: only worker processes keep to it, so that it needs token.isolation = \"process\""
    );
    Ok(())
}

/// Returns a module that worker processes load. `variables` contain secrets.
pub(crate) fn in_processes(
    (module, profile): (PathBuf, Profile),
    directory: Option<softhsm::Directory>,
    log: &Log,
    variables: impl IntoIterator<Item = String>,
) -> anyhow::Result<Module> {
    if let Some(directory) = &directory {
        directory.wait_for_workers(EARLIER_WORKERS_TIMEOUT)?;
    }
    let withheld = SECRET_VARIABLES.map(str::to_owned).into_iter().chain(variables);
    let program = WorkerProgram {
        program: program()?,
        arguments: arguments(log),
        withheld: withheld.map(OsString::from).collect(),
    };
    let confinement = confinement(&module, &profile, directory.as_ref());
    Ok(Module::in_processes(ModuleProcesses { program, module, profile, directory, confinement }))
}

/// Returns the path of this program: on Linux a name of the running file, which another version may have replaced.
fn program() -> anyhow::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    Ok(if running.exists() { running } else { std::env::current_exe()? })
}

/// Returns the arguments of a worker process, which logs like this process.
fn arguments(log: &Log) -> Vec<OsString> {
    let format = match log.format {
        LogFormat::Auto => "auto",
        LogFormat::Json => "json",
        LogFormat::Pretty => "pretty",
    };
    let arguments = [WORKER_COMMAND, "--log-format", format, "--log-filter", &log.filter];
    arguments.map(OsString::from).into()
}

/// Returns what the worker processes may do: what the profile says, in the directory of their tokens.
fn confinement(
    module: &std::path::Path,
    profile: &Profile,
    directory: Option<&softhsm::Directory>,
) -> Confinement {
    let tokens = match directory {
        Some(directory) => Some(directory.tokens()),
        None if profile.name == "softhsm" => softhsm::configured_tokens(),
        None => Some(PathBuf::new()),
    };
    let files = match (&profile.writes, tokens) {
        (Some(writes), Some(tokens)) => {
            let own = std::iter::once(tokens).filter(|tokens| !tokens.as_os_str().is_empty());
            let mut read: Vec<PathBuf> = module.parent().map(PathBuf::from).into_iter().collect();
            read.extend(directory.map(|directory| directory.root().to_path_buf()));
            read.extend(softhsm::configuration_file());
            Some(Files { read, write: writes.iter().cloned().chain(own).collect() })
        }
        // What the module writes is not known.
        _ => None,
    };
    Confinement { network: profile.network, files }
}
