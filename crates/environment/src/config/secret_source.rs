//! The source of a secret, such as the PIN of a token, which is never part of the configuration itself.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ConfigError;

/// The source of a secret: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecretSource {
    /// The path of a file that contains the secret; a trailing newline is removed.
    pub file: Option<PathBuf>,
    /// The name of an environment variable that contains the secret.
    pub env: Option<String>,
    /// A command that prints the secret: program and arguments, run without a shell.
    pub command: Vec<String>,
}

impl SecretSource {
    /// Whether no source is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the secret. `setting` is the key of the source in the configuration, which errors name.
    ///
    /// # Errors
    /// If not exactly one source is set, or it cannot be read. The text never contains the secret.
    pub fn read(&self, setting: &str) -> Result<SecretString, ConfigError> {
        let named = usize::from(self.file.is_some())
            + usize::from(self.env.is_some())
            + usize::from(!self.command.is_empty());
        if named != 1 {
            return Err(ConfigError::new(format!("{setting}: name exactly one of file, env and command")));
        }
        let text = if let Some(file) = &self.file {
            Zeroizing::new(std::fs::read_to_string(file).map_err(|error| {
                ConfigError::new(format!("{setting}.file: {} cannot be read: {error}", file.display()))
            })?)
        } else if let Some(variable) = &self.env {
            #[expect(clippy::disallowed_methods, reason = "the configuration reads the environment")]
            Zeroizing::new(std::env::var(variable).map_err(|_| {
                ConfigError::new(format!("{setting}.env: the variable {variable} is not set, or not UTF-8"))
            })?)
        } else {
            run(setting, &self.command)?
        };
        let secret = text.strip_suffix('\n').unwrap_or(&text);
        let secret = secret.strip_suffix('\r').unwrap_or(secret);
        if secret.is_empty() {
            return Err(ConfigError::new(format!("{setting}: the secret is empty")));
        }
        Ok(SecretString::from(secret))
    }
}

fn run(setting: &str, command: &[String]) -> Result<Zeroizing<String>, ConfigError> {
    let failed = |why: String| ConfigError::new(format!("{setting}.command: {why}"));
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
