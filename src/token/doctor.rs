//! What is to be known about a module and a token before they are trusted with keys.

use std::fmt;

use secrecy::SecretString;

use super::capabilities::Capabilities;
use super::{Module, Selector, TokenInfo};
use crate::model::Result;

/// What an examination found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The module: name, maker, versions.
    pub module: String,
    /// The token.
    pub token: TokenInfo,
    /// What it can do, as measured.
    pub capabilities: Capabilities,
    /// Whether the token has the object that [`Module::open`] makes.
    pub opened_before: bool,
    /// Keys in the token.
    pub keys: usize,
    /// Objects that somebody else made, or halves of keys. They are reported, never touched.
    pub foreign: usize,
    /// Objects without attributes, which a killed process left. They are reported, never touched.
    pub ghosts: usize,
}

/// Logs in to a token, measures what it can do and lists what it holds; makes nothing in it.
///
/// # Errors
/// As [`Module::open`].
pub fn examine(module: &Module, select: &Selector, pin: &SecretString) -> Result<Report> {
    module.examine(select, pin)
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
        if self.foreign > 0 {
            writeln!(f, "        {} objects that are no keys of this service", self.foreign)?;
        }
        if self.ghosts > 0 {
            writeln!(
                f,
                "        {} objects without attributes, left by a process that was killed",
                self.ghosts
            )?;
        }
        writeln!(f, "can do")?;
        write!(f, "{}", self.capabilities)
    }
}
