//! The signing key of the audit log.

use serde::{Deserialize, Serialize};

use super::key::PublicMaterial;
use super::name::VersionId;

/// A key pair in a token that signs the head of the audit log's hash chain. It belongs to no HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditKey {
    /// Its `CKA_ID`.
    pub version: VersionId,
    /// The serial number of its token.
    pub token_serial: String,
    /// Its public half; `None` until the key pair is generated.
    pub public: Option<PublicMaterial>,
}
