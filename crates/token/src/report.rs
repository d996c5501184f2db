//! The report on a module and a token, made before they are trusted with keys.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::capabilities::{Capabilities, Feature};
use super::confinement::Enforced;
use super::token_info::TokenInfo;

/// What [`Module::examine`](super::Module::examine) finds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The module: description, manufacturer, versions.
    pub module: String,
    /// The token.
    pub token: TokenInfo,
    /// Its measured capabilities.
    pub capabilities: Capabilities,
    /// Whether the token has the sentinel object that [`Module::open`](super::Module::open) creates.
    pub opened_before: bool,
    /// The number of keys in the token, without those of the security domain.
    pub keys: usize,
    /// The number of keys that are not wrappable: they cannot be backed up.
    pub not_wrappable: usize,
    /// The number of objects that another application created, or incomplete keys. They are never modified.
    pub foreign: usize,
    /// The number of objects without attributes, left by a killed process. They are never modified.
    pub without_attributes: usize,
    /// What is enforced in the worker process that loaded the module; `None` if this process loaded it.
    pub enforced: Option<Enforced>,
}

impl Report {
    /// What weakens the protection of keys that can be backed up.
    pub fn warnings(&self) -> Vec<&'static str> {
        let wraps = self.capabilities.has(Feature::WrapSecretKeys);
        let lacks = |feature| wraps && !self.capabilities.has(feature);
        let warnings = [
            (
                !wraps,
                "the token does not wrap keys with AES Key Wrap with Padding: no key in it can be backed up",
            ),
            (
                lacks(Feature::UnextractableEnforced),
                "the token wraps keys that are not extractable: the setting backup = \"never\" is not enforced by it",
            ),
            (
                lacks(Feature::WrapUsageEnforced),
                "the token wraps with keys that do not have CKA_WRAP: whoever uses the PIN can take keys out of it \
                 under a key of his own",
            ),
        ];
        warnings.into_iter().filter_map(|(applies, warning)| applies.then_some(warning)).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = &self.token;
        writeln!(f, "module  {}", self.module)?;
        writeln!(
            f,
            "token   {:?}, serial {}, {} {} {}",
            token.label, token.serial, token.manufacturer, token.model, token.firmware
        )?;
        writeln!(
            f,
            "        {}",
            if self.opened_before { "opened before" } else { "never opened by this service" }
        )?;
        writeln!(f, "keys    {}", self.keys)?;
        if self.not_wrappable > 0 {
            writeln!(f, "        {} keys that cannot be backed up: not wrappable", self.not_wrappable)?;
        }
        if self.foreign > 0 {
            writeln!(f, "        {} objects that are not keys of this service", self.foreign)?;
        }
        if self.without_attributes > 0 {
            writeln!(
                f,
                "        {} objects without attributes, left by a process that was killed",
                self.without_attributes
            )?;
        }
        if let Some(enforced) = &self.enforced {
            writeln!(f, "confinement of worker processes")?;
            writeln!(f, "  {:<38} {}", "files", enforced.files)?;
            writeln!(f, "  {:<38} {}", "no network", enforced.network)?;
            writeln!(f, "  {:<38} {}", "system calls", enforced.system_calls)?;
        }
        writeln!(f, "capabilities")?;
        write!(f, "{}", self.capabilities)?;
        for warning in self.warnings() {
            write!(f, "\nwarning: {warning}\n")?;
        }
        Ok(())
    }
}
