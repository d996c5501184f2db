//! The settings of the audit log: durability, retention, limits for unauthenticated callers, and the token that signs
//! it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, TokenSelector};

/// The settings of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Whether a response waits until its audit entry is on disk.
    pub durability: Durability,
    /// The directory of the audit files; `audit` in the data directory by default.
    pub directory: Option<PathBuf>,
    /// The size, in bytes, at which a file is closed and the next one of the same day begins.
    pub rotate_bytes: u64,
    /// Files older than this many days are deleted; absent: no file is deleted for its age.
    pub keep_days: Option<u32>,
    /// The oldest files are deleted while their total size exceeds this, in bytes; absent: no limit.
    pub keep_bytes: Option<u64>,
    /// The free disk space, in bytes, below which unauthenticated requests are refused without an audit entry; 0: they
    /// always have one.
    pub reserve_bytes: u64,
    /// Refused unauthenticated calls per address and window that have an audit entry each; further ones are summed up
    /// in one entry.
    pub refusals_per_address: u32,
    /// The same limit over all addresses.
    pub refusals_in_all: u32,
    /// The length of the window, in seconds.
    pub refusal_window_seconds: u64,
    /// How often the end of the hash chain is signed while entries are added, in seconds.
    pub sign_seconds: u64,
    /// The token that holds the key with which a gateway signs the chain; by default that of the first `[[hsm]]`. The
    /// simulator creates one.
    pub token: Option<TokenSelector>,
    /// What happens at start-up if the audit files do not match what the service wrote.
    pub broken_chain: BrokenChain,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            directory: None,
            rotate_bytes: 256 << 20,
            keep_days: None,
            keep_bytes: None,
            reserve_bytes: 64 << 20,
            refusals_per_address: 60,
            refusals_in_all: 600,
            refusal_window_seconds: 60,
            sign_seconds: 60,
            token: None,
            broken_chain: BrokenChain::default(),
        }
    }
}

impl Audit {
    /// Validates the values.
    ///
    /// # Errors
    /// If a setting is out of range; the text names it.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let need = |condition: bool, text: &str| if condition { Ok(()) } else { Err(ConfigError::new(text)) };
        need(self.rotate_bytes >= 64 * 1024, "audit.rotate_bytes: must be at least 65536")?;
        need(self.keep_days != Some(0), "audit.keep_days: must be at least 1")?;
        need(
            self.keep_bytes.is_none_or(|bytes| bytes >= self.rotate_bytes),
            "audit.keep_bytes: must be at least audit.rotate_bytes",
        )?;
        need(
            (1..=3_600).contains(&self.refusal_window_seconds),
            "audit.refusal_window_seconds: must be 1 to 3600",
        )?;
        need((1..=86_400).contains(&self.sign_seconds), "audit.sign_seconds: must be 1 to 86400")?;
        need(
            self.token.as_ref().is_none_or(|token| token.label.is_some() != token.serial.is_some()),
            "audit.token: needs exactly one of label and serial",
        )
    }
}

/// Whether a response waits for its audit entry. Responses to changes always do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// It waits: every answered call has a durable audit entry.
    #[default]
    Request,
    /// It does not wait: a crash may lose the entries of the last milliseconds.
    Relaxed,
}

/// What happens at start-up if the audit files do not match what the service wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokenChain {
    /// The service does not start.
    #[default]
    Refuse,
    /// The service starts, and adds an audit entry that describes the mismatch.
    Record,
}
