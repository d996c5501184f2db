//! The settings of client certificate revocation.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The settings of client certificate revocation.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Revocation {
    /// The paths of certificate revocation lists, PEM or DER, reloaded when they change. If any is set, a client
    /// certificate is accepted only with a current list of each authority in its chain.
    pub crl_files: Vec<PathBuf>,
}
