//! The settings of the audit log: how durably it is written, how much of it is kept, what unauthenticated callers may
//! add to it, and which token signs it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{ConfigError, TokenSelector};

/// The audit record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Whether a reply waits until its record is on the disk.
    pub durability: Durability,
    /// Where the records are written; `audit` in the data directory unless given.
    pub directory: Option<PathBuf>,
    /// The size at which a file is closed and the next one of the same day begins, in bytes.
    pub rotate_bytes: u64,
    /// Files whose day is further back than this many days are deleted; absent: none for its age.
    pub keep_days: Option<u32>,
    /// The oldest files are deleted while all of them together are larger than this, in bytes; absent: none for size.
    pub keep_bytes: Option<u64>,
    /// The free space, in bytes, below which unauthenticated requests are refused unrecorded; 0: always recorded.
    pub reserve_bytes: u64,
    /// Refusals of unauthenticated calls from one address that have a record of their own in a window; the others are
    /// counted in one record.
    pub refusals_per_address: u32,
    /// The same for all addresses together.
    pub refusals_in_all: u32,
    /// The length of the window, in seconds.
    pub refusal_window_seconds: u64,
    /// How often the end of the chain is signed while records are added, in seconds.
    pub sign_seconds: u64,
    /// The token in which a gateway keeps the key that signs the chain; that of the first `[[hsm]]` unless given. The
    /// simulator makes one.
    pub token: Option<TokenSelector>,
    /// What happens at start where the files are not those that the service wrote.
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
    /// Whether the values make sense.
    ///
    /// # Errors
    /// Names the setting that does not.
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

/// Whether a reply waits for its audit record. Changes always do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// It waits: what was answered is recorded, whatever happens.
    #[default]
    Request,
    /// It does not: a crash may lose the records of the last milliseconds.
    Relaxed,
}

/// What happens at start where the audit files are not those that the service wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokenChain {
    /// The service does not start.
    #[default]
    Refuse,
    /// The service starts, and what was found is a record of its own.
    Record,
}
