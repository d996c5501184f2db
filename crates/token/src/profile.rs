//! Profiles: the settings for one kind of token, read from `hsm-config/profiles/*.toml`.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::ConfigError;

/// The maximum of worker processes by default.
const MAX_PROCESSES: usize = 16;

const fn one() -> usize {
    1
}

const fn yes() -> bool {
    true
}

/// The settings for one kind of token. Capabilities are not configured; they are measured.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The profile's name.
    pub name: String,
    /// The usual paths of the module, in order of preference.
    #[serde(default)]
    pub modules: Vec<PathBuf>,
    /// The number of threads for signing, encrypting and decrypting; 0 means the number of processors plus 1.
    pub workers: usize,
    /// The number of worker processes, if calls run in such; 0 means the number of processors, at most 16.
    #[serde(default = "one")]
    pub processes: usize,
    /// The number of threads for signing, encrypting and decrypting in each worker process; 0 means that of
    /// [`Self::workers`].
    #[serde(default)]
    pub process_workers: usize,
    /// The number of sessions with a token that all instances of the service may have together; 0 means any. Only worker processes
    /// keep to it.
    #[serde(default)]
    pub sessions_total: usize,
    /// Whether a process may overlook an object that another process creates: it does not see the object until the module is loaded
    /// anew.
    #[serde(default)]
    pub overlooks_objects: bool,
    /// Whether short calls run on the thread of their caller while the token has no other call, if calls run in the service: only for a module that computes them in
    /// memory, without waiting.
    #[serde(default)]
    pub inline: bool,
    /// Whether the module connects to its device over the network.
    #[serde(default = "yes")]
    pub network: bool,
    /// The directories and files that the module writes, if they are known; worker processes can then write no others.
    #[serde(default)]
    pub writes: Option<Vec<PathBuf>>,
    /// The capacity of the queue for those threads; when it is full, calls return `Busy`.
    pub queue: usize,
    /// The capacity of the queue for the one thread that creates and destroys objects.
    pub slow_queue: usize,
    /// The maximum number of session-object copies of frequently used keys; 0 disables them.
    pub session_copies: usize,
    /// The timeout of an operation, in milliseconds.
    pub call_ms: u64,
    /// The timeout for creating or destroying objects, in milliseconds.
    pub slow_call_ms: u64,
    /// The return codes (`CKR_…`) that mean that the token is busy.
    #[serde(default)]
    pub throttle: Vec<String>,
}

impl Profile {
    /// Parses a profile in TOML.
    ///
    /// # Errors
    /// If it is malformed or a queue or timeout is 0.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let profile: Self =
            toml::from_str(text).map_err(|cause| ConfigError::new(format!("profile: {cause}")))?;
        if profile.queue == 0 || profile.slow_queue == 0 || profile.call_ms == 0 || profile.slow_call_ms == 0
        {
            return Err(ConfigError::new("profile: queues and timeouts must be at least 1"));
        }
        Ok(profile)
    }

    /// Returns a built-in profile: `softhsm`, `kryoptic` or `generic`.
    ///
    /// # Errors
    /// For any other name.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        match name {
            "softhsm" => Self::parse(include_str!("../../../hsm-config/profiles/softhsm.toml")),
            "kryoptic" => Self::parse(include_str!("../../../hsm-config/profiles/kryoptic.toml")),
            "generic" => Self::parse(include_str!("../../../hsm-config/profiles/generic.toml")),
            _ => Err(ConfigError::new("profile: the built-in profiles are softhsm, kryoptic and generic")),
        }
    }

    /// The first of [`Self::modules`] that exists.
    pub fn find_module(&self) -> Option<PathBuf> {
        self.modules.iter().find(|path| path.exists()).cloned()
    }

    /// The number of worker threads for the fast queue.
    pub(super) fn fast_workers(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get) + 1,
            chosen => chosen,
        }
    }

    /// The number of worker processes.
    pub(super) fn processes(&self) -> usize {
        match self.processes {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MAX_PROCESSES),
            chosen => chosen,
        }
    }

    /// The number of worker processes, if this number of instances of the service use the token.
    pub(super) fn processes_of(&self, instances: usize) -> usize {
        if self.sessions_total == 0 {
            return self.processes();
        }
        // Each thread has a session, and so have the login and the session objects.
        let sessions = self.process_workers() + 1 + usize::from(self.session_copies > 0) + 1;
        let share = self.sessions_total / instances.max(1);
        self.processes().min(share / sessions).max(1)
    }

    /// The number of threads of each worker process for the fast queue.
    pub(super) fn process_workers(&self) -> usize {
        match self.process_workers {
            0 => self.fast_workers(),
            chosen => chosen,
        }
    }

    /// The timeout of an operation.
    pub(super) const fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }

    /// The timeout for creating or destroying objects.
    pub(super) const fn slow_call_timeout(&self) -> Duration {
        Duration::from_millis(self.slow_call_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_built_in_profiles() {
        for name in ["softhsm", "kryoptic", "generic"] {
            assert_eq!(Profile::named(name).unwrap().name, name);
        }
        assert!(Profile::named("other").is_err());
    }

    #[test]
    fn instances_share_the_sessions_of_a_token() {
        let mut profile = Profile::named("generic").unwrap();
        (profile.processes, profile.process_workers, profile.session_copies) = (8, 2, 0);
        assert_eq!(profile.processes_of(3), 8);
        // Two threads for short calls, one for long ones, and the login.
        profile.sessions_total = 24;
        let shares = (1..=8).map(|instances| profile.processes_of(instances));
        assert_eq!(shares.collect::<Vec<_>>(), [6, 3, 2, 1, 1, 1, 1, 1]);
        profile.session_copies = 100;
        assert_eq!(profile.processes_of(1), 4);
    }

    #[test]
    fn rejects_unknown_and_zero_settings() {
        let text = include_str!("../../../hsm-config/profiles/generic.toml");
        assert!(Profile::parse(&format!("{text}\nsomething = 1\n")).is_err());
        assert!(Profile::parse(&text.replace("queue = 256", "queue = 0")).is_err());
    }
}
