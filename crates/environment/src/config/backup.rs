//! `[backup]`: where full backups may be stored.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where full backups may be stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// The directory below which `file:` locations are. Absent: a gateway has none, a simulator one in its data directory.
    pub directory: Option<PathBuf>,
    /// The permitted hosts of storage accounts. One that begins with a dot permits all names that end with it.
    pub hosts: Vec<String>,
}

impl Default for Backup {
    fn default() -> Self {
        Self { directory: None, hosts: vec![".blob.core.windows.net".to_owned()] }
    }
}
