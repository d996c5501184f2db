//! Derives lifecycle events from the changes of each commit.
//!
//! Operations do not emit events. Only this file decides whether a change is an event, and events are written in the
//! transaction of their changes.

use super::transaction::Transaction;
use crate::model::billing::Budget;
use crate::model::change::{Change, ControlChange, VersionOrigin};
use crate::model::container::ContainerId;
use crate::model::deletion::Deletable;
use crate::model::due::Notice;
use crate::model::event::{EventPayload, HsmEvent, HsmEventKind, KeyEvent, KeyEventKind};
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::name::{HsmName, KeyName};
use crate::model::resource::SubscriptionId;
use crate::model::time_guard::ClockStatusChange;

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
        // assumption: Event Grid has no events of the vault as a resource; the audit log has these changes.
        Change::InsertVault(_) | Change::ReplaceVault(_) | Change::Transition(Deletable::Vault(_), _) => {
            Vec::new()
        }
        Change::Control(ControlChange::ReplaceBudget(budget)) => reached(budget, transaction),
        Change::ReleaseClock => clock_events(transaction, ClockStatusChange::Released),
        Change::ReplaceContents(contents) => known_hsm(transaction, &contents.hsm, HsmEventKind::Restored),
        // Not lifecycle events; the audit log has these changes.
        Change::InsertSecretVersion(_)
        | Change::ReplaceSecretVersion(_)
        | Change::RestoreSecret(_)
        | Change::PutCertificate(_)
        | Change::PutCertificateSettings(..)
        | Change::Transition(Deletable::Certificate(..) | Deletable::Secret(..), _) => Vec::new(),
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
