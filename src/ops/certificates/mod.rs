//! Certificates of vaults: create, import, merge, get, list, update, delete, recover and purge; their policies, contacts and issuers.
//!
//! A certificate has a companion key and a companion secret of the same name, with the same versions. They are read like any key or
//! secret, and change only with their certificate, which the store checks.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/certificates/about-certificates> and
//! <https://github.com/Azure/azure-rest-api-specs/tree/main/specification/keyvault>

mod backup;
mod completion;
mod contacts;
mod create;
mod deletion;
mod end;
mod get;
mod import;
mod issue;
mod issuers;
mod key_pair;
mod lifetime_notice;
mod list;
mod merge;
mod pending;
mod policy;
mod renew;
mod requested_version;
mod restore;
mod targets;
mod update;
mod versions;

use std::sync::Arc;

pub use backup::BackupCertificate;
pub use contacts::{DeleteCertificateContacts, GetCertificateContacts, SetCertificateContacts};
pub use create::CreateCertificate;
pub use deletion::{
    DeleteCertificate, DeletedCertificateBundle, GetDeletedCertificate, ListDeletedCertificates,
    PurgeDeletedCertificate, PurgeExpiredCertificate, RecoverDeletedCertificate,
};
pub use end::EndCertificateOperation;
pub use get::GetCertificate;
pub use import::ImportCertificate;
pub use issue::{IssueCertificate, IssueRenewedCertificate};
pub use issuers::{
    DeleteCertificateIssuer, GetCertificateIssuer, IssuerBundle, IssuerChanges, ListCertificateIssuers,
    SetCertificateIssuer, UpdateCertificateIssuer,
};
pub use lifetime_notice::{NoteCertificateContacts, NoteCertificateExpired, NoteCertificateNearExpiry};
pub use list::ListCertificates;
pub use merge::MergeCertificate;
pub use pending::{CancelCertificateOperation, DeleteCertificateOperation, GetCertificateOperation};
pub use policy::{GetCertificatePolicy, UpdateCertificatePolicy};
pub use renew::RenewDueCertificate;
pub use restore::RestoreCertificate;
pub use targets::{
    AllCertificates, CertificatePath, DeletedCertificate, LiveCertificate, LiveCertificateVersion,
    NewCertificateVersion, PendingCertificate,
};
pub use update::UpdateCertificateVersion;
pub use versions::ListCertificateVersions;

use crate::certificate;
use crate::model::certificate::{
    Certificate, CertificatePolicy, CertificateVersion, Issuer, PendingOperation,
};
use crate::model::name::VersionId;
use crate::model::resource_kind::Resource;
use crate::model::retention::RecoveryLevel;
use crate::model::secret::SecretAttributes;
use crate::model::time::CertificateWork;
use crate::model::{Error, Field, Result, Timestamp};

/// A certificate version as surfaces show it.
#[derive(Clone, Debug)]
pub struct CertificateBundle {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// The version; `None` before the first one is issued.
    pub version: Option<Arc<CertificateVersion>>,
    /// The recovery level of the certificate.
    pub level: RecoveryLevel,
}

impl CertificateBundle {
    /// Returns the bundle of the current version.
    pub(super) fn current(certificate: Arc<Certificate>, level: RecoveryLevel) -> Self {
        let version = certificate.current().cloned();
        Self { certificate, version, level }
    }

    /// Returns the identifier of the version, which exists before the version does.
    pub fn version_id(&self) -> VersionId {
        self.version.as_ref().map_or(self.certificate.first, |version| version.version)
    }

    /// Returns the attributes.
    ///
    /// # Errors
    /// `Invalid` if the validity period of a version that is not issued ends after the year 9999.
    pub fn attributes(&self) -> Result<SecretAttributes> {
        match &self.version {
            Some(version) => Ok(version.attributes),
            None => self.certificate.unissued_attributes(),
        }
    }
}

/// The operation that creates a version, as surfaces show it.
#[derive(Clone, Debug)]
pub struct OperationBundle {
    /// The certificate.
    pub certificate: CertificatePath,
    /// The operation.
    pub pending: PendingOperation,
}

impl OperationBundle {
    /// Whether the version is signed with its own key, so that it is complete when the operation begins.
    pub fn is_self_signed(&self) -> bool {
        self.pending.issuer.issuer() == Issuer::SelfSigned
    }
}

/// A policy as surfaces show it.
#[derive(Clone, Debug)]
pub struct PolicyBundle {
    /// The certificate.
    pub certificate: CertificatePath,
    /// The policy.
    pub policy: CertificatePolicy,
}

/// Returns the operation of a certificate.
fn pending_of(certificate: &Certificate) -> Result<&PendingOperation> {
    let missing = || Error::NotFound(Resource::pending_certificate(&certificate.vault, &certificate.name));
    certificate.pending.as_ref().ok_or_else(missing)
}

/// Rejects work that is no longer due: the certificate changed since it was scheduled.
fn check_due(certificate: &Certificate, work: CertificateWork, now: Timestamp) -> Result<()> {
    match certificate.is_due(work, now) {
        true => Ok(()),
        false => Err(Error::Conflict { what: format!("certificate {}", certificate.name) }),
    }
}

/// Converts an error about a document that a caller sent in `field`. Texts that are recorded from Azure name no field there.
fn invalid(field: Field) -> impl Fn(certificate::Error) -> Error {
    move |error| match error {
        certificate::Error::UnreadablePem | certificate::Error::UnreadablePkcs12 => {
            Error::invalid(Field::ValueAsRecorded, error.to_string())
        }
        error => Error::invalid(field, error.to_string()),
    }
}
