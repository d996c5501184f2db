//! `doctor`: measures what a PKCS#11 module can do, before it is trusted with keys.

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

/// Measures a module.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// The module's shared library [default: SoftHSM where systems install it]
    #[arg(long, value_name = "PATH")]
    module: Option<PathBuf>,
    /// The token with this label; for SoftHSM a token is made for the purpose unless one is named
    #[arg(long, value_name = "LABEL", conflicts_with = "serial")]
    label: Option<String>,
    /// The token with this serial number
    #[arg(long, value_name = "SERIAL")]
    serial: Option<String>,
    /// The file that holds the token's user PIN
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
    /// The environment variable that holds the token's user PIN
    #[arg(long, value_name = "NAME", conflicts_with = "pin_file")]
    pin_env: Option<String>,
    /// The profile of the module's particulars: softhsm, kryoptic or generic
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// Measures a module and prints what it found.
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
        Some(selector) => named(args, &selector, is_softhsm),
        None if is_softhsm => scratch(args),
        None => Err(overview(args)?),
    }
}

fn names_softhsm(module: &Path) -> bool {
    module.file_name().is_some_and(|name| name.to_string_lossy().contains("softhsm"))
}

/// Measures a token that is there.
fn named(args: &DoctorArgs, selector: &Selector, is_softhsm: bool) -> Outcome<Report> {
    let source = PinSource { file: args.pin_file.clone(), env: args.pin_env.clone(), command: Vec::new() };
    let pin = source.read().map_err(|error| {
        Failure::problem(error.to_string()).hint("say where the PIN is with --pin-file or --pin-env")
    })?;
    let module = load(args, is_softhsm)?;
    let report = examine(&module, selector, &pin)?;
    module.finalize()?;
    Ok(report)
}

/// Measures SoftHSM with a token made for the purpose, in a directory that is removed afterwards.
fn scratch(args: &DoctorArgs) -> Outcome<Report> {
    #[expect(clippy::disallowed_methods, reason = "how the program hands the directory to itself")]
    let handed = std::env::var_os(SCRATCH).map(PathBuf::from);
    let Some(root) = handed else { return again() };
    let measured = measure(args, &root);
    if let Err(error) = std::fs::remove_dir_all(&root) {
        return Err(Failure::file(root.display(), &error));
    }
    measured
}

/// Names the directory of a token made for the purpose.
const SCRATCH: &str = "STRONGROOM_SOFTHSM";

/// SoftHSM reads its configuration from the environment, which a running process must not change: the
/// program starts itself again with it.
fn again() -> Outcome<Report> {
    let root = std::env::temp_dir().join(format!("strongroom-doctor-{}", Ids.guid().simple()));
    let directory = softhsm::Directory::prepare(&root)?;
    let (name, value) = directory.environment();
    let program = std::env::current_exe().map_err(|error| Failure::file("this program", &error))?;
    let error =
        Command::new(program).args(std::env::args_os().skip(1)).env(name, value).env(SCRATCH, &root).exec();
    Err(Failure::file("starting again with SoftHSM's configuration", &error))
}

fn measure(args: &DoctorArgs, root: &Path) -> Outcome<Report> {
    let directory = softhsm::Directory::prepare(root)?;
    let module = directory.load(args.module.as_deref(), Profile::named("softhsm")?)?;
    let pin = SecretString::from(Ids.guid().simple().to_string());
    let token = directory.provision(&module, "doctor", &pin, &pin)?;
    let report = examine(&module, &Selector::Serial(token.serial), &pin)?;
    module.finalize()?;
    Ok(report)
}

/// Without a token to measure: says which there are.
fn overview(args: &DoctorArgs) -> Outcome<Failure> {
    let module = load(args, false)?;
    let tokens = module.tokens()?;
    let mut text = format!("{}: name a token to be measured", module.describe()?);
    for token in tokens.iter().filter(|token| token.initialized) {
        text.push_str(&format!("; --serial {} ({:?}, {})", token.serial, token.label, token.model));
    }
    module.finalize()?;
    Ok(Failure::problem(text).hint("and say where its PIN is with --pin-file or --pin-env"))
}

fn load(args: &DoctorArgs, is_softhsm: bool) -> Outcome<Module> {
    let name = args.profile.as_deref().unwrap_or(if is_softhsm { "softhsm" } else { "generic" });
    let profile = Profile::named(name)?;
    let path = args.module.clone().or_else(|| profile.find_module()).ok_or_else(|| {
        Failure::problem("SoftHSM was not found").hint("install it, or name a module with --module")
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
        "foreign_objects": report.foreign,
        "ghosts": report.ghosts,
        "capabilities": capabilities,
    });
    output.print(&json, || report.to_string())
}
