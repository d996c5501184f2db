//! Derives lifecycle events from the changes of each commit.
//!
//! Operations do not emit events. Only this file decides whether a change is an event, and events are written in the
//! transaction of their changes.

use super::events_of_certificates;
use super::transaction::Transaction;
use crate::model::billing::Budget;
use crate::model::change::{Change, ControlChange, VersionOrigin};
use crate::model::container::ContainerId;
use crate::model::deletion::Deletable;
use crate::model::due::Notice;
use crate::model::event::{
    EventPayload, HsmEvent, HsmEventKind, KeyEvent, KeyEventKind, SecretEvent, SecretEventKind, VaultEvent,
    VaultEventKind,
};
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::name::{HsmName, KeyName, SecretName, VaultName};
use crate::model::resource::SubscriptionId;
use crate::model::secret::SecretVersion;
use crate::model::time_guard::ClockStatusChange;
use crate::model::vault::Vault;

/// Derives the events of a change from the state before it. The match has no wildcard, so that each new kind of
/// change requires a decision.
pub(super) fn derive(change: &Change, transaction: &Transaction<'_>) -> Vec<(SubscriptionId, EventPayload)> {
    match change {
        Change::InsertHsm(hsm, _) => vec![hsm_event(hsm, HsmEventKind::Created)],
        Change::ReplaceHsm(hsm) => replaced(hsm, transaction),
        Change::InsertVersion(version, made) => {
            let kind = match made {
                VersionOrigin::Created => KeyEventKind::Created,
                VersionOrigin::Imported => KeyEventKind::Imported,
                VersionOrigin::Rotated => KeyEventKind::Rotated,
            };
            key(transaction, &version.container, &version.name, kind(version.version))
        }
        Change::RestoreKey(restored) => {
            key(transaction, &restored.container, &restored.name, KeyEventKind::Restored)
        }
        Change::RecordNotice(hsm, name, notice) => noted(transaction, hsm, name, *notice),
        Change::Transition(Deletable::Key(hsm, name), transition) => {
            key(transaction, hsm, name, KeyEventKind::from(*transition))
        }
        Change::Transition(Deletable::ManagedHsm(name), transition) => {
            known_hsm(transaction, name, HsmEventKind::from(*transition))
        }
        Change::InsertVault(vault) => vec![vault_event(vault, VaultEventKind::Created)],
        Change::ReplaceVault(vault) => replaced_vault(vault, transaction),
        Change::Transition(Deletable::Vault(name), transition) => transaction
            .vault(name)
            .map(|vault| vault_event(&vault, VaultEventKind::from(*transition)))
            .into_iter()
            .collect(),
        Change::InsertSecretVersion(SecretVersion { vault, name, version, .. }) => {
            secret(transaction, (vault, name), SecretEventKind::NewVersion(*version))
        }
        Change::RestoreSecret(restored) => {
            secret(transaction, (&restored.vault, &restored.name), SecretEventKind::Restored)
        }
        Change::Transition(Deletable::Secret(vault, name), transition) => {
            secret(transaction, (vault, name), SecretEventKind::from(*transition))
        }
        Change::Control(ControlChange::ReplaceBudget(budget)) => reached(budget, transaction),
        Change::ReleaseClock => clock_events(transaction, ClockStatusChange::Released),
        Change::ReplaceContents(contents) => known_hsm(transaction, &contents.hsm, HsmEventKind::Restored),
        // Not lifecycle events; the audit log has these changes.
        Change::ReplaceSecretVersion(_) | Change::PutCertificateSettings(..) => Vec::new(),
        Change::PutCertificate(_)
        | Change::RestoreCertificate(_)
        | Change::RecordCertificateNotice(..)
        | Change::RecordRenewalFailure(..)
        | Change::Transition(Deletable::Certificate(..), _) => {
            events_of_certificates::derive(change, transaction)
        }
        Change::ReplaceVersion(_)
        | Change::PutBackupJob(..)
        | Change::BindModes(..)
        | Change::PutRotationPolicy(..)
        | Change::PutRoleDefinition(..)
        | Change::DeleteRoleDefinition(..)
        | Change::InsertRoleAssignment(..)
        | Change::DeleteRoleAssignment(..)
        | Change::Control(
            ControlChange::PutSubscription(_)
            | ControlChange::InsertBudget(_)
            | ControlChange::InsertResourceGroup(_)
            | ControlChange::PutResourceGroup(_)
            | ControlChange::DeleteResourceGroup(..)
            | ControlChange::PutDefinition(_)
            | ControlChange::DeleteDefinition(_)
            | ControlChange::InsertAssignment(_)
            | ControlChange::DeleteAssignment(_)
            | ControlChange::DeleteBudget(..),
        )
        | Change::PutAuditKey(_)
        | Change::SetClock(_) => Vec::new(),
    }
}

/// The events of a change of the clock guard's state: one per subscription, because it concerns all HSMs.
pub(super) fn clock_events(
    transaction: &Transaction<'_>,
    turn: ClockStatusChange,
) -> Vec<(SubscriptionId, EventPayload)> {
    let subscriptions = transaction.resources().subscriptions();
    subscriptions.iter().map(|subscription| (subscription.id, EventPayload::Clock(turn))).collect()
}

fn hsm_event(hsm: &ManagedHsm, kind: HsmEventKind) -> (SubscriptionId, EventPayload) {
    let ManagedHsm { id, name, resource_group, location, .. } = hsm.clone();
    (hsm.subscription, EventPayload::Hsm(HsmEvent { id, name, resource_group, location, kind }))
}

fn vault_event(vault: &Vault, kind: VaultEventKind) -> (SubscriptionId, EventPayload) {
    let Vault { id, name, resource_group, location, .. } = vault.clone();
    (vault.subscription, EventPayload::Vault(VaultEvent { id, name, resource_group, location, kind }))
}

/// The event of a replaced vault, if purge protection is enabled.
fn replaced_vault(vault: &Vault, transaction: &Transaction<'_>) -> Vec<(SubscriptionId, EventPayload)> {
    let Ok(before) = transaction.vault(&vault.name) else { return Vec::new() };
    let protected = vault.purge_protection && !before.purge_protection;
    protected.then(|| vault_event(vault, VaultEventKind::PurgeProtected)).into_iter().collect()
}

/// The event of a secret, with its names in their original case.
fn secret(
    transaction: &Transaction<'_>,
    (vault, name): (&VaultName, &SecretName),
    kind: SecretEventKind,
) -> Vec<(SubscriptionId, EventPayload)> {
    let Ok(found) = transaction.vault(vault) else { return Vec::new() };
    let known = transaction.secret(vault, name);
    let name = known.map_or_else(|| name.clone(), |known| known.name.clone());
    let happened = SecretEvent { vault_unique_id: found.id, vault: found.name.clone(), name, kind };
    vec![(found.subscription, EventPayload::Secret(happened))]
}

fn known_hsm(
    transaction: &Transaction<'_>,
    name: &HsmName,
    kind: HsmEventKind,
) -> Vec<(SubscriptionId, EventPayload)> {
    transaction.hsm(name).map(|hsm| hsm_event(&hsm, kind)).into_iter().collect()
}

fn replaced(hsm: &ManagedHsm, transaction: &Transaction<'_>) -> Vec<(SubscriptionId, EventPayload)> {
    let Ok(before) = transaction.hsm(&hsm.name) else { return Vec::new() };
    let activated = before.activation != hsm.activation && hsm.activation == Activation::Active;
    let protected = hsm.purge_protection && !before.purge_protection;
    let kinds = [(activated, HsmEventKind::Activated), (protected, HsmEventKind::PurgeProtected)];
    kinds.into_iter().filter(|(is, _)| *is).map(|(_, kind)| hsm_event(hsm, kind)).collect()
}

/// The event of a replaced budget, if it is replaced because it was reached.
fn reached(budget: &Budget, transaction: &Transaction<'_>) -> Vec<(SubscriptionId, EventPayload)> {
    let subscription = budget.subscription();
    let before = transaction.resources().budget(subscription, &budget.name).and_then(|known| known.reached);
    let news = budget.reached.is_some() && budget.reached != before;
    news.then(|| (subscription, EventPayload::Budget(budget.name.clone()))).into_iter().collect()
}

/// The event of a key, with its names in their original case.
fn key(
    transaction: &Transaction<'_>,
    container: &ContainerId,
    name: &KeyName,
    kind: KeyEventKind,
) -> Vec<(SubscriptionId, EventPayload)> {
    let Ok(found) = transaction.container(container) else { return Vec::new() };
    let name = transaction.key(container, name).map_or_else(|| name.clone(), |key| key.name.clone());
    let happened = KeyEvent { container_unique_id: found.unique_id(), container: found.id(), name, kind };
    vec![(found.subscription(), EventPayload::Key(happened))]
}

/// The event of a notice, unless the version already has it.
fn noted(
    transaction: &Transaction<'_>,
    container: &ContainerId,
    name: &KeyName,
    notice: Notice,
) -> Vec<(SubscriptionId, EventPayload)> {
    let Some(known) = transaction.key(container, name) else { return Vec::new() };
    let Some(current) = known.current().filter(|current| !current.notices.contains(notice)) else {
        return Vec::new();
    };
    match (notice, current.attributes.expires) {
        (Notice::NearExpiry, Some(expires)) => {
            key(transaction, container, name, KeyEventKind::NearExpiry(current.version, expires))
        }
        (Notice::NearExpiry, None) => Vec::new(),
        (Notice::NotRotated, _) => {
            key(transaction, container, name, KeyEventKind::NotRotated(current.version))
        }
    }
}
