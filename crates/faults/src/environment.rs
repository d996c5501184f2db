//! The environment variables that configure the module. They are read once.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The path of the module that calls are passed to.
pub(crate) const MODULE: &str = "STRONGROOM_FAULTS_MODULE";

/// The path of the file with the rules.
const CONTROL: &str = "STRONGROOM_FAULTS_CONTROL";

/// The path of the file that gets a line for each fault.
const LOG: &str = "STRONGROOM_FAULTS_LOG";

/// The values of the variables.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) module: Option<PathBuf>,
    pub(crate) control: Option<PathBuf>,
    pub(crate) log: Option<PathBuf>,
}

/// The environment of this process when the module was first used.
pub(crate) fn get() -> &'static Environment {
    static READ: OnceLock<Environment> = OnceLock::new();
    READ.get_or_init(|| Environment { module: path(MODULE), control: path(CONTROL), log: path(LOG) })
}

fn path(name: &str) -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a PKCS#11 module has no other configuration")]
    let value: Option<OsString> = std::env::var_os(name);
    value.filter(|value| !value.is_empty()).map(PathBuf::from)
}
