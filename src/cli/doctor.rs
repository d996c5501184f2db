//! `strongroom doctor`: reports the capabilities of a PKCS#11 module before it is used for keys.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args;
use secrecy::SecretString;

use super::failure::{Failure, Outcome};
use super::options::Options;
use super::output::Output;
use crate::config::PinSource;
use crate::ids::Ids;
use crate::token::{Module, Profile, Report, Selector, examine, softhsm};

/// Selects the module and the token.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// Shared library of the module [default: SoftHSM in its usual install locations]
    #[arg(long, value_name = "PATH")]
    module: Option<PathBuf>,
    /// Label of the token; with SoftHSM, a temporary token is created if none is selected
    #[arg(long, value_name = "LABEL", conflicts_with = "serial")]
    label: Option<String>,
    /// Serial number of the token
    #[arg(long, value_name = "SERIAL")]
    serial: Option<String>,
    /// File with the user PIN of the token
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    /// Environment variable with the user PIN of the token
    #[arg(long, value_name = "NAME", conflicts_with = "pin_file")]
    pin_env: Option<String>,
    /// Profile of the module: softhsm, kryoptic or generic
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// Examines a module and prints the report.
pub(super) fn run(options: &Options, args: &DoctorArgs) -> ExitCode {
    match report(args).and_then(|report| print(Output::new(options.output), &report)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn report(args: &DoctorArgs) -> Outcome<Report> {
    let selector = match (&args.serial, &args.label) {
        (Some(serial), _) => Some(Selector::Serial(serial.clone())),
        (None, Some(label)) => Some(Selector::Label(label.clone())),
        (None, None) => None,
    };
    let is_softhsm = args.module.as_deref().is_none_or(names_softhsm);
    match selector {
        Some(selector) => examine_existing(args, &selector, is_softhsm),
        None if is_softhsm => examine_temporary(args),
        None => Err(overview(args)?),
    }
}

fn names_softhsm(module: &Path) -> bool {
    module.file_name().is_some_and(|name| name.to_string_lossy().contains("softhsm"))
}

/// Examines an existing token.
fn examine_existing(args: &DoctorArgs, selector: &Selector, is_softhsm: bool) -> Outcome<Report> {
    let source = PinSource { file: args.pin_file.clone(), env: args.pin_env.clone(), command: Vec::new() };
    let pin = source.read().map_err(|error| {
        Failure::problem(error.to_string()).hint("set the source of the PIN with --pin-file or --pin-env")
    })?;
    let module = load(args, is_softhsm)?;
    let report = examine(&module, selector, &pin)?;
    module.finalize()?;
    Ok(report)
}

/// Examines SoftHSM with a temporary token, in a directory that is removed afterwards.
fn examine_temporary(args: &DoctorArgs) -> Outcome<Report> {
    #[expect(
        clippy::disallowed_methods,
        reason = "set by this program when it restarts itself, not a setting"
    )]
    let passed = std::env::var_os(SCRATCH).map(PathBuf::from);
    let Some(root) = passed else { return restart() };
    let result = examine_softhsm(args, &root);
    if let Err(error) = std::fs::remove_dir_all(&root) {
        return Err(Failure::file(root.display(), &error));
    }
    result
}

/// The environment variable that passes the directory of the temporary token to the restarted program.
const SCRATCH: &str = "STRONGROOM_SOFTHSM";

/// Restarts the program with SoftHSM's configuration in the environment, which SoftHSM reads and which a running
/// process must not change. Returns only on failure.
fn restart() -> Outcome<Report> {
    let root = std::env::temp_dir().join(format!("strongroom-doctor-{}", Ids.guid().simple()));
    let directory = softhsm::Directory::prepare(&root)?;
    let (name, value) = directory.environment();
    let program = std::env::current_exe().map_err(|error| Failure::file("this program", &error))?;
    let error =
        Command::new(program).args(std::env::args_os().skip(1)).env(name, value).env(SCRATCH, &root).exec();
    Err(Failure::file("cannot restart with SoftHSM's configuration", &error))
}

fn examine_softhsm(args: &DoctorArgs, root: &Path) -> Outcome<Report> {
    let directory = softhsm::Directory::prepare(root)?;
    let module = directory.load(args.module.as_deref(), Profile::named("softhsm")?)?;
    let pin = SecretString::from(Ids.guid().simple().to_string());
    let token = directory.provision(&module, "doctor", &pin, &pin)?;
    let report = examine(&module, &Selector::Serial(token.serial), &pin)?;
    module.finalize()?;
    Ok(report)
}

/// Returns the failure for a missing token selection, with the list of tokens.
fn overview(args: &DoctorArgs) -> Outcome<Failure> {
    let module = load(args, false)?;
    let tokens = module.tokens()?;
    let mut text = format!("{}: select a token", module.describe()?);
    for token in tokens.iter().filter(|token| token.initialized) {
        text.push_str(&format!("; --serial {} ({:?}, {})", token.serial, token.label, token.model));
    }
    module.finalize()?;
    Ok(Failure::problem(text).hint("also set the source of its PIN with --pin-file or --pin-env"))
}

fn load(args: &DoctorArgs, is_softhsm: bool) -> Outcome<Module> {
    let name = args.profile.as_deref().unwrap_or(if is_softhsm { "softhsm" } else { "generic" });
    let profile = Profile::named(name)?;
    let path = args.module.clone().or_else(|| profile.find_module()).ok_or_else(|| {
        Failure::problem("SoftHSM was not found").hint("install it, or set a module with --module")
    })?;
    Ok(Module::load(&path, profile)?)
}

fn print(output: Output, report: &Report) -> Outcome {
    let capabilities: serde_json::Map<String, serde_json::Value> = report
        .capabilities
        .iter()
        .map(|(feature, support)| (feature.as_str().to_owned(), support.to_string().into()))
        .collect();
    let json = serde_json::json!({
        "module": report.module,
        "token": {"label": report.token.label, "serial": report.token.serial, "model": report.token.model},
        "keys": report.keys,
        "keys_not_wrappable": report.not_wrappable,
        "foreign_objects": report.foreign,
        "ghosts": report.without_attributes,
        "capabilities": capabilities,
        "warnings": report.warnings(),
    });
    output.print(&json, || report.to_string())
}
