//! Which `STRONGROOM_` environment variables are settings, and which belong to somebody else.
//!
//! Kubernetes injects the address of every Service of a namespace into its pods: a Service named `strongroom` makes
//! `STRONGROOM_PORT`, `STRONGROOM_SERVICE_HOST` and others. Tools have variables of their own, too. None of these may keep
//! the service from starting.

use std::ffi::{OsStr, OsString};

use super::ConfigError;

const PREFIX: &str = "STRONGROOM_";

/// Settings with a name of one part. `version` is none: `STRONGROOM_VERSION` is what container images call the
/// version of a program, and the format has one version only.
const TOP_LEVEL: &[&str] = &["CONTROL_PLANE_ROLE", "MODE"];

/// Variables that the command line reads, as options of the same meaning; `SOFTHSM` is how `doctor` starts itself again.
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

/// What a variable is to the configuration.
#[derive(PartialEq, Eq, Debug)]
enum Meaning {
    /// The setting with these names, outermost first.
    Setting(Vec<String>),
    /// The command line reads it, or it does not begin with `STRONGROOM_`.
    None,
    /// It begins with `STRONGROOM_`, and nothing here reads it.
    Unread,
}

/// The setting that a variable names, with its value.
pub(super) struct Setting<'v> {
    /// The variable's name, for errors.
    pub(super) name: &'v str,
    /// The names of the setting, outermost first.
    pub(super) path: Vec<String>,
    /// The value.
    pub(super) value: &'v str,
}

/// The settings among environment variables.
///
/// # Errors
/// A value that is not UTF-8.
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

/// The names of variables that begin with `STRONGROOM_` and are not read, sorted.
pub(super) fn unread(variables: &[(OsString, OsString)]) -> Vec<String> {
    let mut names: Vec<_> = variables
        .iter()
        .filter(|(name, _)| meaning(name) == Meaning::Unread)
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}

fn meaning(name: &OsStr) -> Meaning {
    let Some(name) = name.to_str() else {
        let ours = name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
        return if ours { Meaning::Unread } else { Meaning::None };
    };
    let Some(key) = name.strip_prefix(PREFIX) else { return Meaning::None };
    if COMMAND_LINE.contains(&key) {
        return Meaning::None;
    }
    // The name of a Service's port may have two hyphens in a row, which Kubernetes writes as two underscores.
    let named_port = key.starts_with("SERVICE_PORT_");
    if TOP_LEVEL.contains(&key) || (key.contains("__") && !named_port) {
        return Meaning::Setting(key.split("__").map(str::to_ascii_lowercase).collect());
    }
    Meaning::Unread
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;

    #[test]
    fn two_underscores_make_a_setting_and_one_does_not() {
        let setting = |path: &[&str]| Meaning::Setting(path.iter().map(|&name| name.to_owned()).collect());
        let of = |name: &str| meaning(OsStr::new(name));
        assert_eq!(of("STRONGROOM_SERVER__LISTEN"), setting(&["server", "listen"]));
        assert_eq!(of("STRONGROOM_TOKEN__PIN__FILE"), setting(&["token", "pin", "file"]));
        assert_eq!(of("STRONGROOM_SERVICE__PORT"), setting(&["service", "port"]));
        assert_eq!(of("STRONGROOM__SERVER"), Meaning::Unread);
        assert_eq!(of("STRONGROOM_MODE"), setting(&["mode"]));
        assert_eq!(of("STRONGROOM_TOKEN"), Meaning::None);
        assert_eq!(of("PATH"), Meaning::None);
        for name in ["PORT", "SERVICE_HOST", "SERVICE_PORT_A__B", "PORT_8443_TCP_ADDR", "BIN", "VERSION", ""]
        {
            assert_eq!(of(&format!("STRONGROOM_{name}")), Meaning::Unread, "{name}");
        }
        let binary = OsString::from_vec(b"STRONGROOM_\xff__A".to_vec());
        assert_eq!(meaning(&binary), Meaning::Unread);
    }
}
