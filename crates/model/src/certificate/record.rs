//! Certificates of vaults as records: their versions, and the operation that creates the next one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::issuance::{IssuerRefusal, RenewalAttempts, TestIssuance};
use super::notices::CertificateNotices;
use super::policy::{CertificatePolicy, Issuer, IssuerParameters};
use super::validity::Validity;
use crate::key::PublicMaterial;
use crate::name::{CertificateName, VaultName, VersionId};
use crate::retention::Deletion;
use crate::secret::{SealedValue, SecretAttributes};
use crate::tags::Tags;
use crate::{Error, Result, Timestamp};

/// One version of a certificate, with a companion key and a companion secret that have the same identifier.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CertificateVersion {
    /// Its identifier.
    pub version: VersionId,
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// The SHA-1 digest of the certificate.
    pub thumbprint: [u8; 20],
    /// Its attributes. The validity period is that of the certificate.
    pub attributes: SecretAttributes,
    /// The user's tags.
    pub tags: Tags,
    /// Whether its secret keeps the order of the certificates that were given.
    pub keep_order: bool,
    /// The notices that were given of it.
    pub notices: CertificateNotices,
}

/// The state of the operation that creates a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OperationStatus {
    /// The certificate is not issued yet.
    InProgress,
    /// The version exists.
    Completed,
    /// The cancellation was requested before the certificate was issued.
    Cancelled,
    /// The issuer refused.
    Failed,
}

impl OperationStatus {
    /// Returns the name that every surface uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "inProgress",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// The operation that creates a version (`pending`). It is kept after its completion, until it is deleted or replaced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PendingOperation {
    /// The identifier of the version, also the `CKA_ID` of the private key in the token.
    pub version: VersionId,
    /// Identifies the operation.
    pub request_id: VersionId,
    /// The request for the certificate (PKCS#10) in DER.
    #[serde(with = "crate::base64::base64url")]
    pub csr: Vec<u8>,
    /// The issuer that was asked.
    pub issuer: IssuerParameters,
    /// The state.
    pub status: OperationStatus,
    /// Whether the cancellation was requested.
    pub cancellation_requested: bool,
    /// The public key.
    pub public_key: PublicMaterial,
    /// The private key of an exportable certificate in PEM, encrypted.
    pub private_key: Option<SealedValue>,
    /// The policy by which the version is made.
    pub policy: CertificatePolicy,
    /// Whether the version will be enabled.
    pub enabled: bool,
    /// The tags that the version will have.
    pub tags: Tags,
    /// Whether the secret keeps the order of the certificates.
    pub keep_order: bool,
    /// When the operation began.
    pub created: Timestamp,
    /// What the test issuer does; `None` for other issuers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuance: Option<TestIssuance>,
    /// Whether it was begun by the lifetime action of the policy.
    #[serde(default)]
    pub is_renewal: bool,
}

/// Why an operation ended without a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OperationError {
    /// The code.
    pub code: &'static str,
    /// The message.
    pub message: &'static str,
}

impl PendingOperation {
    /// Returns why the operation ended without a version. The message of a failure is documented
    /// (<https://learn.microsoft.com/azure/key-vault/certificates/create-certificate-scenarios>).
    // assumption: the members of a cancelled operation are not recorded; a client for Rust polls until there is an error.
    pub fn error(&self) -> Option<OperationError> {
        match self.status {
            OperationStatus::InProgress | OperationStatus::Completed => None,
            OperationStatus::Cancelled => Some(OperationError {
                code: "Request cancelled",
                message: "The certificate operation was cancelled by the user.",
            }),
            OperationStatus::Failed => Some(OperationError {
                code: self.refusal().map_or("Certificate issuer error", IssuerRefusal::code),
                message: "The issuer encountered an error processing the certificate request.",
            }),
        }
    }

    /// Returns why the issuer refused a failed operation.
    pub fn refusal(&self) -> Option<IssuerRefusal> {
        let refusal = self.issuance.as_ref().and_then(|issuance| issuance.refusal);
        refusal.filter(|_| self.status == OperationStatus::Failed)
    }

    /// Returns the text about the state that callers get; `None` once it has ended, as recorded.
    pub fn status_details(&self) -> Option<&'static str> {
        match (self.status, self.issuer.issuer()) {
            (OperationStatus::InProgress, Issuer::Unknown) => {
                Some("Pending certificate created. Please Perform Merge to complete the request.")
            }
            (OperationStatus::InProgress, _) => Some(
                "Pending certificate created. Certificate request is in progress. This may take some time based on the issuer provider. Please check again later.",
            ),
            (OperationStatus::Completed | OperationStatus::Cancelled | OperationStatus::Failed, _) => None,
        }
    }

    /// Whether it blocks another creation or import.
    pub const fn is_in_progress(&self) -> bool {
        matches!(self.status, OperationStatus::InProgress)
    }
}

/// A certificate: its versions, oldest first, its policy and the operation that creates the next version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Certificate {
    /// The vault that holds it.
    pub vault: VaultName,
    /// Its name in its original spelling.
    pub name: CertificateName,
    /// The versions that exist; the last one is the current version. Empty until the first one is issued.
    pub versions: Vec<Arc<CertificateVersion>>,
    /// The identifier of the first version, which lists show before it is issued.
    pub first: VersionId,
    /// How the next version is made.
    pub policy: CertificatePolicy,
    /// The operation that creates or created the latest version, unless it was deleted.
    pub pending: Option<PendingOperation>,
    /// The failed renewals of the current version.
    pub renewal: RenewalAttempts,
    /// `None` while live.
    pub deletion: Option<Deletion>,
}

impl Certificate {
    /// Returns the current version; `None` before the first one is issued.
    pub fn current(&self) -> Option<&Arc<CertificateVersion>> {
        self.versions.last()
    }

    /// Returns a version, or the current one if `version` is `None`.
    pub fn version(&self, version: Option<VersionId>) -> Option<&Arc<CertificateVersion>> {
        match version {
            None => self.current(),
            Some(version) => self.versions.iter().rev().find(|known| known.version == version),
        }
    }

    /// Returns the attributes that a certificate has before its first version is issued, as recorded.
    ///
    /// # Errors
    /// `Invalid` if the validity period ends after the year 9999.
    pub fn unissued_attributes(&self) -> Result<SecretAttributes> {
        let (created, updated) = (self.policy.created, self.policy.updated);
        let Validity { not_before, not_after } = self.policy.x509.validity_months.validity(created)?;
        let (not_before, expires) = (Some(not_before), Some(not_after));
        Ok(SecretAttributes { enabled: false, not_before, expires, created, updated })
    }

    /// Returns the identifiers of all objects that the certificate has in the token.
    pub fn objects(&self) -> Vec<VersionId> {
        let mut objects: Vec<_> = self.versions.iter().map(|version| version.version).collect();
        // The key of an operation that failed was destroyed when it ended.
        let pending = self.pending.as_ref().filter(|pending| pending.is_in_progress());
        objects.extend(pending.map(|pending| pending.version));
        objects.sort_unstable();
        objects.dedup();
        objects
    }

    /// Checks that no operation is in progress.
    ///
    /// # Errors
    /// `CertificatePending`.
    pub fn check_not_pending(&self) -> Result<()> {
        match &self.pending {
            Some(pending) if pending.is_in_progress() => Err(Error::CertificatePending),
            _ => Ok(()),
        }
    }
}
