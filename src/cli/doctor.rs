//! `strongroom doctor`: reports the capabilities of a PKCS#11 module before it is used for keys.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use secrecy::SecretString;

use super::failure::{Failure, Outcome};
use super::options::Options;
use super::output::Output;
use crate::config::{Log, LogFormat, SecretSource};
use crate::ids::Ids;
use crate::server;
use crate::token::{Module, Profile, Report, Selector, softhsm};

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
    let source = SecretSource { file: args.pin_file.clone(), env: args.pin_env.clone(), command: Vec::new() };
    let pin = source.read("token.pin").map_err(|error| {
        Failure::problem(error.to_string()).hint("set the source of the PIN with --pin-file or --pin-env")
    })?;
    Ok(load(args, is_softhsm, None)?.examine(selector, &pin)?)
}

/// Examines SoftHSM with a temporary token, in a directory that is removed afterwards.
fn examine_temporary(args: &DoctorArgs) -> Outcome<Report> {
    let root = std::env::temp_dir().join(format!("strongroom-doctor-{}", Ids.guid().simple()));
    let directory = softhsm::Directory::prepare(&root)?;
    let result = examine_softhsm(args, directory);
    if let Err(error) = std::fs::remove_dir_all(&root) {
        return Err(Failure::file(root.display(), &error));
    }
    result
}

fn examine_softhsm(args: &DoctorArgs, directory: softhsm::Directory) -> Outcome<Report> {
    let module = load(args, true, Some(directory))?;
    let pin = SecretString::from(Ids.guid().simple().to_string());
    let token = module.provision("doctor", &pin, &pin)?;
    Ok(module.examine(&Selector::Serial(token.serial), &pin)?)
}

/// Returns the failure for a missing token selection, with the list of tokens.
fn overview(args: &DoctorArgs) -> Outcome<Failure> {
    let module = load(args, false, None)?;
    let tokens = module.tokens()?;
    let mut text = format!("{}: select a token", module.describe()?);
    for token in tokens.iter().filter(|token| token.initialized) {
        text.push_str(&format!("; --serial {} ({:?}, {})", token.serial, token.label, token.model));
    }
    Ok(Failure::problem(text).hint("also set the source of its PIN with --pin-file or --pin-env"))
}

/// Returns the module, which worker processes load: a module that crashes ends none but its own process.
fn load(args: &DoctorArgs, is_softhsm: bool, directory: Option<softhsm::Directory>) -> Outcome<Module> {
    let name = args.profile.as_deref().unwrap_or(if is_softhsm { "softhsm" } else { "generic" });
    let profile = Profile::named(name)?;
    let path = args.module.clone().or_else(|| profile.find_module()).ok_or_else(|| {
        Failure::problem("SoftHSM was not found").hint("install it, or set a module with --module")
    })?;
    let log = Log { filter: "error".to_owned(), format: LogFormat::Auto };
    server::in_processes((path, profile), directory, &log, args.pin_env.clone())
        .map_err(|error| Failure::problem(format!("{error:#}")))
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
        "confinement": report.enforced,
        "capabilities": capabilities,
        "warnings": report.warnings(),
    });
    output.print(&json, || report.to_string())
}
