//! The key that signs the audit log.

use super::key::PublicMaterial;
use super::name::VersionId;

/// A key pair in a token that signs the end of the audit log's chain. It belongs to no HSM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditKey {
    /// Its `CKA_ID`.
    pub version: VersionId,
    /// The serial number of the token it is in.
    pub token_serial: String,
    /// Its public half; absent while it is being made.
    pub public: Option<PublicMaterial>,
}
