//! Derives the lifecycle events of certificates from the changes of each commit.

use super::transaction::Transaction;
use crate::model::certificate::{Certificate, CertificateNotice};
use crate::model::change::{CertificateUpdate, Change};
use crate::model::deletion::Deletable;
use crate::model::event::{CertificateEvent, CertificateEventKind, EventPayload};
use crate::model::name::{CertificateName, VaultName};
use crate::model::resource::SubscriptionId;

type Events = Vec<(SubscriptionId, EventPayload)>;

/// Derives the events of a change of certificates from the state before it. Other changes have none here.
pub(super) fn derive(change: &Change, transaction: &Transaction<'_>) -> Events {
    match change {
        Change::PutCertificate(update) => put(update, transaction),
        Change::RestoreCertificate(restored) => {
            let Certificate { vault, name, .. } = &restored.certificate;
            event(transaction, (vault, name), CertificateEventKind::Restored)
        }
        Change::RecordCertificateNotice(vault, name, notice) => noted(transaction, (vault, name), *notice),
        Change::RecordRenewalFailure(vault, name, _) => failed(transaction, (vault, name)),
        Change::Transition(Deletable::Certificate(vault, name), transition) => {
            event(transaction, (vault, name), CertificateEventKind::from(*transition))
        }
        _ => Vec::new(),
    }
}

/// The event of a certificate, with its names in their original case.
fn event(
    transaction: &Transaction<'_>,
    (vault, name): (&VaultName, &CertificateName),
    kind: CertificateEventKind,
) -> Events {
    let Ok(found) = transaction.vault(vault) else { return Vec::new() };
    let known = transaction.certificate(vault, name);
    let name = known.map_or_else(|| name.clone(), |known| known.name.clone());
    let happened = CertificateEvent { vault_unique_id: found.id, vault: found.name.clone(), name, kind };
    vec![(found.subscription, EventPayload::Certificate(happened))]
}

/// The events of a certificate that is created or replaced: a version that is added, and a renewal that failed.
fn put(update: &CertificateUpdate, transaction: &Transaction<'_>) -> Events {
    let Certificate { vault, name, .. } = &update.certificate;
    let known = transaction.certificate(vault, name);
    let has_version = |version| known.as_ref().is_some_and(|known| known.version(Some(version)).is_some());
    let added = update.certificate.current().filter(|current| !has_version(current.version));
    let mut events = match added {
        Some(added) => event(transaction, (vault, name), CertificateEventKind::NewVersion(added.version)),
        None => Vec::new(),
    };
    let failures = known.map_or(0, |known| known.renewal.failures);
    if failures == 0 && update.certificate.renewal.failures > 0 {
        events.extend(failed(transaction, (vault, name)));
    }
    events
}

/// The event of the first failed renewal of a version.
fn failed(transaction: &Transaction<'_>, id: (&VaultName, &CertificateName)) -> Events {
    let Some(known) = transaction.certificate(id.0, id.1) else { return Vec::new() };
    match known.current().filter(|_| known.renewal.failures == 0) {
        Some(current) => event(transaction, id, CertificateEventKind::NotRenewed(current.version)),
        None => Vec::new(),
    }
}

/// The event of a notice, unless the version already has it.
fn noted(
    transaction: &Transaction<'_>,
    id: (&VaultName, &CertificateName),
    notice: CertificateNotice,
) -> Events {
    let Some(known) = transaction.certificate(id.0, id.1) else { return Vec::new() };
    let current = known.current().filter(|current| !current.notices.contains(notice));
    let Some((version, at)) =
        current.and_then(|current| Some((current.version, current.attributes.expires?)))
    else {
        return Vec::new();
    };
    let contacts = || transaction.certificate_settings(id.0).contacts.len();
    let kind = match notice {
        CertificateNotice::NearExpiry => CertificateEventKind::NearExpiry(version, at),
        CertificateNotice::Expired => CertificateEventKind::Expired(version, at),
        CertificateNotice::ContactsNotified => {
            CertificateEventKind::ContactsNotified(version, at, contacts())
        }
    };
    event(transaction, id, kind)
}
