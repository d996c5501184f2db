//! Lifecycle events of certificates.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::certificate_id::CertificateId;
use super::deletion::Transition;
use super::key_date::KeyDate;
use super::name::{CertificateName, VaultName, VersionId};
use super::resource_kind::Resource;

/// An event of a certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CertificateEvent {
    /// Identifies its vault among all that ever had its name.
    pub vault_unique_id: Uuid,
    /// The vault.
    pub vault: VaultName,
    /// The certificate.
    pub name: CertificateName,
    /// What happened.
    pub kind: CertificateEventKind,
}

/// What happened to a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateEventKind {
    /// This version was created, imported, merged or renewed.
    NewVersion(VersionId),
    /// This version, the current one, expires soon, at this date.
    NearExpiry(VersionId, KeyDate),
    /// This version, the current one, has expired, at this date.
    Expired(VersionId, KeyDate),
    /// The lifetime action asks to notify the contacts, of whom there are so many, that this version expires at this date.
    ContactsNotified(VersionId, KeyDate, usize),
    /// The renewal of this version, the current one, failed. Further failures have no event.
    NotRenewed(VersionId),
    /// It was soft-deleted; its scheduled purge date.
    Deleted(Timestamp),
    /// It was recovered.
    Recovered,
    /// It was purged.
    Purged,
    /// It was restored from a backup, with all its versions.
    Restored,
}

impl From<Transition> for CertificateEventKind {
    fn from(transition: Transition) -> Self {
        match transition {
            Transition::SoftDelete(deletion) => Self::Deleted(deletion.scheduled_purge_at),
            Transition::Recover(_) => Self::Recovered,
            Transition::Purge(_) => Self::Purged,
        }
    }
}

impl CertificateEvent {
    /// Returns the resource name under which the certificate is found after the event, or was found last.
    pub(super) fn subject(&self) -> String {
        let Self { vault, name, kind, .. } = self;
        let version = match kind {
            CertificateEventKind::Deleted(_) | CertificateEventKind::Purged => {
                return Resource::deleted_certificate(vault, name).name;
            }
            CertificateEventKind::Recovered | CertificateEventKind::Restored => None,
            CertificateEventKind::NewVersion(version)
            | CertificateEventKind::NearExpiry(version, _)
            | CertificateEventKind::Expired(version, _)
            | CertificateEventKind::ContactsNotified(version, ..)
            | CertificateEventKind::NotRenewed(version) => Some(*version),
        };
        CertificateId { vault: vault.clone(), name: name.clone(), version }.to_string()
    }
}

impl CertificateEventKind {
    /// Returns the stable name of what happened.
    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::NewVersion(_) => "certificate.new-version",
            Self::NearExpiry(..) => "certificate.near-expiry",
            Self::Expired(..) => "certificate.expired",
            Self::ContactsNotified(..) => "certificate.contacts-notified",
            Self::NotRenewed(_) => "certificate.not-renewed",
            Self::Deleted(_) => "certificate.deleted",
            Self::Recovered => "certificate.recovered",
            Self::Purged => "certificate.purged",
            Self::Restored => "certificate.restored",
        }
    }

    /// Returns the scheduled purge date of a deletion.
    pub(super) const fn scheduled_purge_at(&self) -> Option<Timestamp> {
        match self {
            Self::Deleted(at) => Some(*at),
            _ => None,
        }
    }

    /// Returns the expiry date of a version that expires soon or has expired.
    pub(super) const fn expires(&self) -> Option<KeyDate> {
        match self {
            Self::NearExpiry(_, at) | Self::Expired(_, at) | Self::ContactsNotified(_, at, _) => Some(*at),
            _ => None,
        }
    }

    /// Returns the number of contacts that are to be notified.
    pub(super) const fn contacts(&self) -> Option<usize> {
        match self {
            Self::ContactsNotified(.., contacts) => Some(*contacts),
            _ => None,
        }
    }
}
