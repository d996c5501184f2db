//! Revocation of client certificates.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where lists of revoked client certificates are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Revocation {
    /// Certificate revocation lists, PEM or DER, read again when they change. With any, a client certificate counts only
    /// while there is a list, not out of date, of each authority in its chain.
    pub crl_files: Vec<PathBuf>,
}
