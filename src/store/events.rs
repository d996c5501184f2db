//! The log of lifecycle events: derived from the changes of each commit, kept with them.
//!
//! No operation says what it did. Whatever is written is an event or is decided not to be one, here and nowhere
//! else, and events are written in the transaction of their changes.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use sqlx::SqliteConnection;

use super::draft::View;
use super::load::{damaged, json};
use super::statements::{Failure, to_json};
use crate::model::billing::Budget;
use crate::model::change::{Change, ControlChange, Made};
use crate::model::due::Notice;
use crate::model::event::{
    Batch, Happened, HsmHappened, HsmKind, KeyHappened, KeyKind, LifecycleEvent, Since, Watched,
};
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::name::{HsmName, KeyName};
use crate::model::resource::SubscriptionId;
use crate::model::time_guard::Turn;
use crate::model::{Error, Result};

/// How many rows are written with one statement.
const ROWS: usize = 500;

/// The newest events, in order. What is older is in the database no longer, either.
pub(super) struct Log {
    events: VecDeque<Arc<LifecycleEvent>>,
    /// How many are kept.
    kept: usize,
}

impl Log {
    /// An empty log that keeps so many events; one at least, so that numbers go on.
    pub(super) fn new(kept: usize) -> Self {
        Self { events: VecDeque::new(), kept: kept.max(1) }
    }

    /// The number of the newest event; 0 where nothing has happened yet.
    pub(super) fn head(&self) -> u64 {
        self.events.back().map_or(0, |event| event.sequence)
    }

    /// The number before that of the oldest event that is kept.
    fn floor(&self) -> u64 {
        self.events.front().map_or(0, |event| event.sequence.saturating_sub(1))
    }

    /// The number up to which events are removed once there are those up to `head`.
    pub(super) fn trimmed(&self, head: u64) -> u64 {
        head.saturating_sub(u64::try_from(self.kept).unwrap_or(u64::MAX))
    }

    /// Adds what happened, and lets go of what is too old.
    pub(super) fn append(&mut self, events: Vec<Arc<LifecycleEvent>>) {
        self.events.extend(events);
        let surplus = self.events.len().saturating_sub(self.kept);
        self.events.drain(..surplus);
    }

    /// The events after a place, without those before it.
    fn tail(&self, after: u64) -> impl Iterator<Item = &Arc<LifecycleEvent>> {
        let passed = usize::try_from(after.saturating_sub(self.floor())).unwrap_or(usize::MAX);
        self.events.range(passed.min(self.events.len())..)
    }

    /// At most so many of the events that are shown, from a place on.
    ///
    /// # Errors
    /// `ResumeTokenExpired` where what came next is not kept any more, `Invalid` for a place that the log has not
    /// reached.
    pub(super) fn read(&self, watched: Watched, since: Since, most: usize) -> Result<Batch> {
        let (floor, head) = (self.floor(), self.head());
        let after = match since {
            Since::Now => head,
            Since::Beginning => floor,
            Since::Event(after) if after > head => {
                return Err(Error::invalid("resume_token", "this service has not given out such a token"));
            }
            Since::Event(after) if after < floor => {
                return Err(Error::ResumeTokenExpired { after, oldest: floor + 1 });
            }
            Since::Event(after) => after,
        };
        let mut batch = Batch { watched, events: Vec::new(), position: after, more: false };
        for event in self.tail(after) {
            if batch.events.len() == most {
                batch.more = true;
                break;
            }
            batch.position = event.sequence;
            if watched.shows(event) {
                batch.events.push(Arc::clone(event));
            }
        }
        Ok(batch)
    }

    /// Whether anything after a place concerns a watch; that it cannot be told any more does, too.
    pub(super) fn concerns(&self, watched: Watched, after: u64) -> bool {
        after < self.floor() || self.tail(after).any(|event| watched.concerns(event))
    }
}

/// What a change comes to, if it is allowed: by the store as it is before the change. No wildcard: a new kind of
/// change must be decided upon.
pub(super) fn of(change: &Change, view: &View<'_>) -> Vec<(SubscriptionId, Happened)> {
    match change {
        Change::InsertHsm(hsm, _) => vec![hsm_event(hsm, HsmKind::Created)],
        Change::ReplaceHsm(hsm) => replaced(hsm, view),
        Change::SoftDeleteHsm(name, deletion) => {
            known_hsm(view, name, HsmKind::Deleted(deletion.scheduled_purge_at))
        }
        Change::RecoverHsm(name, _) => known_hsm(view, name, HsmKind::Recovered),
        Change::PurgeHsm(name, _) => known_hsm(view, name, HsmKind::Purged),
        Change::InsertVersion(version, made) => {
            let kind = match made {
                Made::Created => KeyKind::Created,
                Made::Imported => KeyKind::Imported,
                Made::Rotated => KeyKind::Rotated,
            };
            key(view, &version.hsm, &version.name, kind(version.version))
        }
        Change::Note(hsm, name, notice) => noted(view, hsm, name, *notice),
        Change::SoftDelete(hsm, name, deletion) => {
            key(view, hsm, name, KeyKind::Deleted(deletion.scheduled_purge_at))
        }
        Change::Control(ControlChange::ReplaceBudget(budget)) => reached(budget, view),
        Change::ReleaseClock => turned(view, Turn::Released),
        Change::Recover(hsm, name) => key(view, hsm, name, KeyKind::Recovered),
        Change::Purge(hsm, name) => key(view, hsm, name, KeyKind::Purged),
        // The life of HSMs, keys and budgets goes on as it was; the audit log has these.
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

/// What a change of how the machine's clock stands comes to: it concerns the HSMs of every subscription.
pub(super) fn turned(view: &View<'_>, turn: Turn) -> Vec<(SubscriptionId, Happened)> {
    let subscriptions = view.resources().subscriptions();
    subscriptions.iter().map(|subscription| (subscription.id, Happened::Clock(turn))).collect()
}

fn hsm_event(hsm: &ManagedHsm, kind: HsmKind) -> (SubscriptionId, Happened) {
    let ManagedHsm { id, name, resource_group, location, .. } = hsm.clone();
    (hsm.subscription, Happened::Hsm(HsmHappened { id, name, resource_group, location, kind }))
}

fn known_hsm(view: &View<'_>, name: &HsmName, kind: HsmKind) -> Vec<(SubscriptionId, Happened)> {
    view.hsm(name).map(|hsm| hsm_event(&hsm, kind)).into_iter().collect()
}

fn replaced(hsm: &ManagedHsm, view: &View<'_>) -> Vec<(SubscriptionId, Happened)> {
    let Ok(before) = view.hsm(&hsm.name) else { return Vec::new() };
    let activated = before.activation != hsm.activation && hsm.activation == Activation::Active;
    let protected = hsm.purge_protection && !before.purge_protection;
    let kinds = [(activated, HsmKind::Activated), (protected, HsmKind::PurgeProtected)];
    kinds.into_iter().filter(|(is, _)| *is).map(|(_, kind)| hsm_event(hsm, kind)).collect()
}

/// A budget is replaced, too, because it was reached.
fn reached(budget: &Budget, view: &View<'_>) -> Vec<(SubscriptionId, Happened)> {
    let subscription = budget.subscription();
    let before = view.resources().budget(subscription, &budget.name).and_then(|known| known.reached);
    let news = budget.reached.is_some() && budget.reached != before;
    news.then(|| (subscription, Happened::Budget(budget.name.clone()))).into_iter().collect()
}

/// Under the names as they were first written.
fn key(view: &View<'_>, hsm: &HsmName, name: &KeyName, kind: KeyKind) -> Vec<(SubscriptionId, Happened)> {
    let Ok(found) = view.hsm(hsm) else { return Vec::new() };
    let name = view.key(hsm, name).map_or_else(|| name.clone(), |key| key.name.clone());
    let happened = KeyHappened { hsm_id: found.id, hsm: found.name.clone(), name, kind };
    vec![(found.subscription, Happened::Key(happened))]
}

/// What was said before is no news.
fn noted(view: &View<'_>, hsm: &HsmName, name: &KeyName, notice: Notice) -> Vec<(SubscriptionId, Happened)> {
    let Some(known) = view.key(hsm, name) else { return Vec::new() };
    let Some(current) = known.current().filter(|current| !current.notices.contains(notice)) else {
        return Vec::new();
    };
    match (notice, current.attributes.expires) {
        (Notice::NearExpiry, Some(expires)) => {
            key(view, hsm, name, KeyKind::NearExpiry(current.version, expires))
        }
        (Notice::NearExpiry, None) => Vec::new(),
        (Notice::NotRotated, _) => key(view, hsm, name, KeyKind::NotRotated(current.version)),
    }
}

/// Writes events, and removes those up to a number.
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
            Failure::Broken(error) => error,
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
pub(super) async fn load(db: &mut SqliteConnection, kept: usize) -> Result<Log> {
    let mut log = Log::new(kept);
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
