//! The source of a token's PIN, which is never part of the configuration itself.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ConfigError;

/// The source of the user PIN: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PinSource {
    /// The path of a file that contains the PIN; a trailing newline is removed.
    pub file: Option<PathBuf>,
    /// The name of an environment variable that contains the PIN.
    pub env: Option<String>,
    /// A command that prints the PIN: program and arguments, run without a shell.
    pub command: Vec<String>,
}

impl PinSource {
    /// Reads the PIN.
    ///
    /// # Errors
    /// If not exactly one source is set, or it cannot be read. The text never contains the PIN.
    pub fn read(&self) -> Result<SecretString, ConfigError> {
        let named = usize::from(self.file.is_some())
            + usize::from(self.env.is_some())
            + usize::from(!self.command.is_empty());
        if named != 1 {
            return Err(ConfigError::new("token.pin: name exactly one of file, env and command"));
        }
        let text = if let Some(file) = &self.file {
            Zeroizing::new(std::fs::read_to_string(file).map_err(|error| {
                ConfigError::new(format!("token.pin.file: {} cannot be read: {error}", file.display()))
            })?)
        } else if let Some(variable) = &self.env {
            #[expect(clippy::disallowed_methods, reason = "the configuration reads the environment")]
            Zeroizing::new(std::env::var(variable).map_err(|_| {
                ConfigError::new(format!("token.pin.env: the variable {variable} is not set, or not UTF-8"))
            })?)
        } else {
            run(&self.command)?
        };
        let pin = text.strip_suffix('\n').unwrap_or(&text);
        let pin = pin.strip_suffix('\r').unwrap_or(pin);
        if pin.is_empty() {
            return Err(ConfigError::new("token.pin: the PIN is empty"));
        }
        Ok(SecretString::from(pin))
    }
}

fn run(command: &[String]) -> Result<Zeroizing<String>, ConfigError> {
    let failed = |why: String| ConfigError::new(format!("token.pin.command: {why}"));
    let (program, arguments) = command.split_first().ok_or_else(|| failed("is empty".to_owned()))?;
    let output = std::process::Command::new(program)
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| failed(format!("{program} cannot be run: {error}")))?;
    let stdout = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(failed(format!("{program} ended with {}", output.status)));
    }
    match std::str::from_utf8(&stdout) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(failed(format!("{program} did not print UTF-8"))),
    }
}
