//! What is particular to a kind of token, as data: `hsm-config/profiles/*.toml`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::model::{Error, Result};

/// A token's particulars. What a token *can do* is not written here; that is measured.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The profile's name.
    pub name: String,
    /// Where the module is usually found, most likely first.
    #[serde(default)]
    pub modules: Vec<PathBuf>,
    /// Threads for signing, encrypting and decrypting; 0 means one more than there are processors.
    pub workers: usize,
    /// Calls that may wait for those threads before more are refused.
    pub queue: usize,
    /// Calls that may wait for the one thread that makes and destroys objects.
    pub slow_queue: usize,
    /// Session-object copies of much-used keys held at most; 0 means none are made.
    pub session_copies: usize,
    /// How long a caller waits for an operation, in milliseconds.
    pub call_ms: u64,
    /// How long a caller waits for an object to be made or destroyed, in milliseconds.
    pub slow_call_ms: u64,
    /// Return codes (`CKR_…`) by which this token says that it is busy.
    #[serde(default)]
    pub throttle: Vec<String>,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// `Invalid` naming `profile`.
    pub fn parse(text: &str) -> Result<Self> {
        let profile: Self =
            toml::from_str(text).map_err(|cause| Error::invalid("profile", cause.to_string()))?;
        if profile.queue == 0 || profile.slow_queue == 0 || profile.call_ms == 0 || profile.slow_call_ms == 0
        {
            return Err(Error::invalid("profile", "queues and times are at least 1"));
        }
        Ok(profile)
    }

    /// One of the profiles that come with the program: `softhsm`, `kryoptic`, `generic`.
    ///
    /// # Errors
    /// `Invalid` naming `profile` where there is none of that name.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "softhsm" => Self::parse(include_str!("../../hsm-config/profiles/softhsm.toml")),
            "kryoptic" => Self::parse(include_str!("../../hsm-config/profiles/kryoptic.toml")),
            "generic" => Self::parse(include_str!("../../hsm-config/profiles/generic.toml")),
            _ => Err(Error::invalid("profile", "the built-in profiles are softhsm, kryoptic and generic")),
        }
    }

    /// The first of [`Self::modules`] that exists.
    pub fn find_module(&self) -> Option<PathBuf> {
        self.modules.iter().find(|path| path.exists()).cloned()
    }

    /// Threads in the fast lane.
    pub(super) fn fast_workers(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get) + 1,
            chosen => chosen,
        }
    }

    /// How long a caller waits for an operation.
    pub(super) const fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }

    /// How long a caller waits for an object to be made or destroyed.
    pub(super) const fn slow_call_timeout(&self) -> Duration {
        Duration::from_millis(self.slow_call_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_profiles_can_be_read() {
        for name in ["softhsm", "kryoptic", "generic"] {
            assert_eq!(Profile::named(name).unwrap().name, name);
        }
        assert!(Profile::named("other").is_err());
    }

    #[test]
    fn unknown_settings_are_refused() {
        let text = include_str!("../../hsm-config/profiles/generic.toml");
        assert!(Profile::parse(&format!("{text}\nsomething = 1\n")).is_err());
        assert!(Profile::parse(&text.replace("queue = 256", "queue = 0")).is_err());
    }
}
