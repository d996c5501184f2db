//! The log of lifecycle events, which are derived from the changes of each commit.
//!
//! Operations do not emit events. Only this file decides whether a change is an event, and events are written in the
//! transaction of their changes.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use sqlx::SqliteConnection;

use super::load::{damaged, json};
use super::statements::{Failure, to_json};
use super::transaction::Transaction;
use crate::model::billing::Budget;
use crate::model::change::{Change, ControlChange, VersionOrigin};
use crate::model::deletion::Deletable;
use crate::model::due::Notice;
use crate::model::event::{
    EventBatch, EventFilter, EventPayload, EventPosition, HsmEvent, HsmEventKind, KeyEvent, KeyEventKind,
    LifecycleEvent,
};
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::name::{HsmName, KeyName};
use crate::model::resource::SubscriptionId;
use crate::model::time_guard::ClockStatusChange;
use crate::model::{Error, Field, Result};

/// The maximum number of rows per INSERT statement.
const ROWS: usize = 500;

/// The newest events, in order: all that the database has.
pub(super) struct EventLog {
    events: VecDeque<Arc<LifecycleEvent>>,
    /// The number of events kept.
    kept: usize,
}

impl EventLog {
    /// An empty log that keeps this number of events; at least one, to continue the sequence numbers.
    pub(super) fn new(kept: usize) -> Self {
        Self { events: VecDeque::new(), kept: kept.max(1) }
    }

    /// The sequence number of the newest event; 0 if there is none.
    pub(super) fn head(&self) -> u64 {
        self.events.back().map_or(0, |event| event.sequence)
    }

    /// The sequence number before that of the oldest event kept.
    fn floor(&self) -> u64 {
        self.events.front().map_or(0, |event| event.sequence.saturating_sub(1))
    }

    /// The sequence number up to which events are removed when the newest one is `head`.
    pub(super) fn trimmed(&self, head: u64) -> u64 {
        head.saturating_sub(u64::try_from(self.kept).unwrap_or(u64::MAX))
    }

    /// Appends events, and removes the oldest ones beyond the limit.
    pub(super) fn append(&mut self, events: Vec<Arc<LifecycleEvent>>) {
        self.events.extend(events);
        let surplus = self.events.len().saturating_sub(self.kept);
        self.events.drain(..surplus);
    }

    /// The events after a sequence number.
    fn tail(&self, after: u64) -> impl Iterator<Item = &Arc<LifecycleEvent>> {
        let passed = usize::try_from(after.saturating_sub(self.floor())).unwrap_or(usize::MAX);
        self.events.range(passed.min(self.events.len())..)
    }

    /// Reads at most `most` events that `watched` includes, from a position on.
    ///
    /// # Errors
    /// `ResumeTokenExpired` if later events have already been removed, `Invalid` for a position after the newest
    /// event.
    pub(super) fn read(&self, watched: EventFilter, since: EventPosition, most: usize) -> Result<EventBatch> {
        let (floor, head) = (self.floor(), self.head());
        let after = match since {
            EventPosition::Now => head,
            EventPosition::Beginning => floor,
            EventPosition::Event(after) if after > head => {
                return Err(Error::invalid(
                    Field::ResumeToken,
                    "the resume token was not issued by this service",
                ));
            }
            EventPosition::Event(after) if after < floor => {
                return Err(Error::ResumeTokenExpired { after, oldest: floor + 1 });
            }
            EventPosition::Event(after) => after,
        };
        let mut batch = EventBatch { watched, events: Vec::new(), position: after, more: false };
        for event in self.tail(after) {
            if batch.events.len() == most {
                batch.more = true;
                break;
            }
            batch.position = event.sequence;
            if watched.selects(event) {
                batch.events.push(Arc::clone(event));
            }
        }
        Ok(batch)
    }

    /// Whether an event after a sequence number concerns a watch, or events after it have been removed.
    pub(super) fn concerns(&self, watched: EventFilter, after: u64) -> bool {
        after < self.floor() || self.tail(after).any(|event| watched.wakes(event))
    }
}

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
            key(transaction, &version.hsm, &version.name, kind(version.version))
        }
        Change::RecordNotice(hsm, name, notice) => noted(transaction, hsm, name, *notice),
        Change::Transition(Deletable::Key(hsm, name), transition) => {
            key(transaction, hsm, name, KeyEventKind::from(*transition))
        }
        Change::Transition(Deletable::ManagedHsm(name), transition) => {
            known_hsm(transaction, name, HsmEventKind::from(*transition))
        }
        Change::Control(ControlChange::ReplaceBudget(budget)) => reached(budget, transaction),
        Change::ReleaseClock => clock_events(transaction, ClockStatusChange::Released),
        // Not lifecycle events; the audit log has these changes.
        Change::ReplaceVersion(_)
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
    hsm: &HsmName,
    name: &KeyName,
    kind: KeyEventKind,
) -> Vec<(SubscriptionId, EventPayload)> {
    let Ok(found) = transaction.hsm(hsm) else { return Vec::new() };
    let name = transaction.key(hsm, name).map_or_else(|| name.clone(), |key| key.name.clone());
    let happened = KeyEvent { hsm_id: found.id, hsm: found.name.clone(), name, kind };
    vec![(found.subscription, EventPayload::Key(happened))]
}

/// The event of a notice, unless the version already has it.
fn noted(
    transaction: &Transaction<'_>,
    hsm: &HsmName,
    name: &KeyName,
    notice: Notice,
) -> Vec<(SubscriptionId, EventPayload)> {
    let Some(known) = transaction.key(hsm, name) else { return Vec::new() };
    let Some(current) = known.current().filter(|current| !current.notices.contains(notice)) else {
        return Vec::new();
    };
    match (notice, current.attributes.expires) {
        (Notice::NearExpiry, Some(expires)) => {
            key(transaction, hsm, name, KeyEventKind::NearExpiry(current.version, expires))
        }
        (Notice::NearExpiry, None) => Vec::new(),
        (Notice::NotRotated, _) => key(transaction, hsm, name, KeyEventKind::NotRotated(current.version)),
    }
}

/// Writes events, and removes those up to the sequence number `trimmed`.
pub(super) async fn write(
    db: &mut SqliteConnection,
    events: &[Arc<LifecycleEvent>],
    trimmed: u64,
) -> Result<(), sqlx::Error> {
    for rows in events.chunks(ROWS) {
        let mut insert = sqlx::QueryBuilder::new(
            "-- insert_lifecycle_events
            INSERT INTO lifecycle_events (sequence, event) ",
        );
        let rows = rows.iter().map(|event| Ok((event.sequence, to_json(&**event)?)));
        let rows: Result<Vec<_>, Failure> = rows.collect();
        let rows = rows.map_err(|failure| match failure {
            Failure::Refused(error) => sqlx::Error::Encode(Box::new(error)),
            Failure::Database(error) => error,
        })?;
        insert.push_values(rows, |mut row, (sequence, event)| {
            row.push_bind(number(sequence)).push_bind(event);
        });
        insert.build().execute(&mut *db).await?;
    }
    if trimmed > 0 && !events.is_empty() {
        let sql = "-- trim_lifecycle_events
            DELETE FROM lifecycle_events WHERE sequence <= $1";
        sqlx::query(sql).bind(number(trimmed)).execute(db).await?;
    }
    Ok(())
}

/// Reads the newest events.
pub(super) async fn load(db: &mut SqliteConnection, kept: usize) -> Result<EventLog> {
    let mut log = EventLog::new(kept);
    let sql = "-- load_lifecycle_events
        SELECT event FROM lifecycle_events ORDER BY sequence DESC LIMIT $1";
    let most = i64::try_from(log.kept).unwrap_or(i64::MAX);
    let mut rows = sqlx::query(sql).bind(most).fetch(db);
    while let Some(row) = rows.try_next().await.map_err(Error::internal)? {
        let event: LifecycleEvent = json(&row, "event")?;
        if log.events.front().is_some_and(|next| event.sequence + 1 != next.sequence) {
            return Err(damaged("lifecycle events are missing"));
        }
        log.events.push_front(Arc::new(event));
    }
    Ok(log)
}

fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
