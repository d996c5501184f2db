//! Selects the `STRONGROOM_` environment variables that are settings.
//!
//! Kubernetes injects the address of every Service of a namespace into its pods: a Service named `strongroom` results
//! in `STRONGROOM_PORT`, `STRONGROOM_SERVICE_HOST` and others. Tools define variables of their own, too. Such variables
//! must not prevent the service from starting.

use std::ffi::{OsStr, OsString};

use super::ConfigError;

const PREFIX: &str = "STRONGROOM_";

/// Settings that are not in a table. `version` is not among them: container images use `STRONGROOM_VERSION` for the
/// version of the program, and the format has only one version.
const TOP_LEVEL: &[&str] = &["CONTROL_PLANE_ROLE", "MODE"];

/// Variables that the command line reads as defaults of its options; `doctor` sets `SOFTHSM` when it re-executes
/// itself.
const COMMAND_LINE: &[&str] = &[
    "CA_FILE",
    "CONFIG",
    "DATA_DIR",
    "ENDPOINT",
    "HSM",
    "MANAGEMENT_TOKEN",
    "PRINCIPAL",
    "SOFTHSM",
    "SUBSCRIPTION",
    "TOKEN",
];

/// Variables that the module which injects faults reads in worker processes (`docs/faults.md`).
const FAULTS: &[&str] = &["FAULTS_CONTROL", "FAULTS_LOG", "FAULTS_MODULE"];

/// How the configuration treats a variable.
#[derive(PartialEq, Eq, Debug)]
enum Meaning {
    /// A setting with this path of keys, outermost first.
    Setting(Vec<String>),
    /// Ignored: the command line or a module reads it, or it does not begin with `STRONGROOM_`.
    None,
    /// It begins with `STRONGROOM_`, but neither the configuration nor the command line reads it.
    Unrecognized,
}

/// A setting given by an environment variable.
pub(super) struct Setting<'v> {
    /// The name of the variable, for error messages.
    pub(super) name: &'v str,
    /// The keys of the setting, outermost first.
    pub(super) path: Vec<String>,
    /// The value of the variable.
    pub(super) value: &'v str,
}

/// Returns the settings among `variables`.
///
/// # Errors
/// If the value of a setting is not UTF-8.
pub(super) fn settings(variables: &[(OsString, OsString)]) -> Result<Vec<Setting<'_>>, ConfigError> {
    let mut settings = Vec::new();
    for (name, value) in variables {
        let Meaning::Setting(path) = meaning(name) else { continue };
        let Some(name) = name.to_str() else { continue };
        let value = value.to_str().ok_or_else(|| ConfigError::new(format!("{name}: is not UTF-8")))?;
        settings.push(Setting { name, path, value });
    }
    Ok(settings)
}

/// Returns the sorted names of variables that begin with `STRONGROOM_` and are not recognized.
pub(super) fn unrecognized(variables: &[(OsString, OsString)]) -> Vec<String> {
    let mut names: Vec<_> = variables
        .iter()
        .filter(|(name, _)| meaning(name) == Meaning::Unrecognized)
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}

fn meaning(name: &OsStr) -> Meaning {
    let Some(name) = name.to_str() else {
        let has_prefix = name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
        return if has_prefix { Meaning::Unrecognized } else { Meaning::None };
    };
    let Some(key) = name.strip_prefix(PREFIX) else { return Meaning::None };
    if COMMAND_LINE.contains(&key) || FAULTS.contains(&key) {
        return Meaning::None;
    }
    // The name of a Service's port may have two hyphens in a row, which Kubernetes writes as two underscores.
    let named_port = key.starts_with("SERVICE_PORT_");
    if TOP_LEVEL.contains(&key) || (key.contains("__") && !named_port) {
        return Meaning::Setting(key.split("__").map(str::to_ascii_lowercase).collect());
    }
    Meaning::Unrecognized
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn double_underscores_separate_keys_of_settings() {
        let setting = |path: &[&str]| Meaning::Setting(path.iter().map(|&name| name.to_owned()).collect());
        let of = |name: &str| meaning(OsStr::new(name));
        assert_eq!(of("STRONGROOM_SERVER__LISTEN"), setting(&["server", "listen"]));
        assert_eq!(of("STRONGROOM_TOKEN__PIN__FILE"), setting(&["token", "pin", "file"]));
        assert_eq!(of("STRONGROOM_SERVICE__PORT"), setting(&["service", "port"]));
        assert_eq!(of("STRONGROOM__SERVER"), Meaning::Unrecognized);
        assert_eq!(of("STRONGROOM_MODE"), setting(&["mode"]));
        assert_eq!(of("STRONGROOM_TOKEN"), Meaning::None);
        assert_eq!(of("STRONGROOM_FAULTS_CONTROL"), Meaning::None);
        assert_eq!(of("PATH"), Meaning::None);
        for name in ["PORT", "SERVICE_HOST", "SERVICE_PORT_A__B", "PORT_8443_TCP_ADDR", "BIN", "VERSION", ""]
        {
            assert_eq!(of(&format!("STRONGROOM_{name}")), Meaning::Unrecognized, "{name}");
        }
        let binary = OsString::from_vec(b"STRONGROOM_\xff__A".to_vec());
        assert_eq!(meaning(&binary), Meaning::Unrecognized);
    }
}
