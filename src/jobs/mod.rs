//! What happens because time passes: deleted keys are purged when their retention interval ends, keys
//! are rotated by their policies, and it is said when a version expires soon.
//!
//! The scheduler sleeps until the earliest instant at which something is due, is woken by changes and
//! by the clock, and does due work in order of due time, through the engine. It keeps nothing in
//! memory that a restart would lose: what is due follows from what is stored.

mod timekeeper;
mod waiting;

use std::sync::Arc;

pub use timekeeper::keep_time;
use tokio::sync::Mutex;
use waiting::Waiting;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::identity::Credential;
use crate::model::entry::Origin;
use crate::model::name::{HsmName, KeyName, VersionId};
use crate::model::time::{Due, Work};
use crate::model::{Error, Result, Timestamp};
use crate::ops::KeyPath;
use crate::ops::clock::{AdvanceClock, AskToAdvance, ClockFace};
use crate::ops::deleted::PurgeExpiredKey;
use crate::ops::hsms::{DeletedHsmPath, PurgeExpiredManagedHsm};
use crate::ops::keys::{NoteNearExpiry, RotateDueKey};
use crate::ops::usage::{BudgetId, NoteBudgetReached};

/// How much due work an advance reports; all of it is done.
const REPORTED: usize = 10_000;

/// Something that happened because it was due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Happening {
    /// When it was due.
    pub at: Timestamp,
    /// The HSM.
    pub hsm: HsmName,
    /// What.
    pub what: Happened,
}

/// What can happen because it was due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Happened {
    /// A deleted key was purged.
    PurgedKey(KeyName),
    /// A deleted HSM was purged.
    PurgedHsm(DeletedHsmPath),
    /// A key was rotated to this version.
    RotatedKey(KeyName, VersionId),
    /// A key could not be rotated, and will not be because of this version.
    NotRotatedKey(KeyName),
    /// This version of a key, its current one, expires soon.
    NearExpiry(KeyName, VersionId),
    /// A budget was reached.
    ReachedBudget(BudgetId),
}

/// Does what is due. A cheap handle.
#[derive(Clone)]
pub struct Scheduler {
    engine: Engine,
    /// Held by whoever does due work, so that it is done once and in order.
    turn: Arc<Mutex<()>>,
}

impl Scheduler {
    /// A scheduler for this engine; [`run`](Self::run) makes it work.
    pub fn new(engine: Engine) -> Self {
        Self { engine, turn: Arc::default() }
    }

    /// Works until it is dropped.
    pub async fn run(self) {
        let mut changes = self.engine.watch();
        let mut waiting = Waiting::default();
        loop {
            {
                let _turn = self.turn.lock().await;
                self.settle(&mut waiting).await;
            }
            let now = Clock::System.now();
            let next = self.next_due(&waiting).await.map(|due| due.at);
            let again = waiting.earliest(now);
            tokio::select! {
                () = self.clock().sleep_towards(next.unwrap_or(Timestamp::MAX)) => {}
                // The service's clock may stand still; what failed is tried again by the machine's.
                () = Clock::System.sleep_towards(again.unwrap_or(Timestamp::MAX)) => {}
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Turns the clock to an instant in the name of a caller, stopping at each instant at which
    /// something is due and doing it there. Returns what happened, in order, when all of it has.
    ///
    /// # Errors
    /// Those of [`AdvanceClock`]; the first failure of due work, with the clock at that instant.
    pub async fn advance(
        &self,
        credential: Result<Credential<'_>>,
        origin: Origin,
        target: impl FnOnce(Timestamp) -> Result<Timestamp> + Send,
        force: bool,
    ) -> Result<(ClockFace, Vec<Happening>)> {
        let _turn = self.turn.lock().await;
        let mut happenings = Vec::new();
        // The last step is the caller's own call, and is authorized, recorded and refused as such; it
        // comes first as a question, so that a refused caller turns nothing.
        let asked = self.engine.call(copy(&credential), origin.clone(), || Ok(AskToAdvance));
        let now = asked.await?;
        let to = target(now).and_then(|to| AdvanceClock::check_distance(now, to, force).map(|()| to));
        let to = match to {
            Ok(to) => to,
            // What is wrong with the request is recorded as that of any call.
            Err(error) => {
                let face = self.engine.call::<AdvanceClock>(credential, origin, || Err(error)).await?;
                return Ok((face, happenings));
            }
        };
        while let Some(due) = self.engine.next_due(|_| false).await.filter(|due| due.at <= to) {
            if due.at > self.clock().now() {
                self.engine.due(AdvanceClock { to: due.at }).await?;
            }
            note(&mut happenings, self.work(due.clone()).await?);
            if self.is_due(&due).await {
                return Err(Error::Conflict { what: "what is due".to_owned() });
            }
        }
        let face = self.engine.call(credential, origin, || Ok(AdvanceClock { to })).await?;
        Ok((face, happenings))
    }

    /// Does everything that is due by now. What fails waits, and the rest is done.
    async fn settle(&self, waiting: &mut Waiting) {
        let now = self.clock().now();
        while let Some(due) = self.next_due(waiting).await.filter(|due| due.at <= now) {
            let failed = match self.work(due.clone()).await {
                Ok(_) => self.is_due(&due).await.then(|| Error::Conflict { what: "what was due".to_owned() }),
                Err(error) => Some(error),
            };
            let Some(error) = failed else {
                waiting.settled(&due);
                continue;
            };
            let (time, first) = waiting.put_off(due.clone(), Clock::System.now());
            if first {
                tracing::error!(?due, ?time, %error, "what was due could not be done; it is tried again");
            } else {
                tracing::warn!(?due, ?time, %error, "what was due still could not be done");
            }
        }
        if !waiting.is_empty() {
            let budgets = self.engine.budgets_due().await;
            waiting.keep(|due| self.engine.is_due(due, &budgets));
        }
    }

    /// What comes due first, and neither waits nor is withheld.
    async fn next_due(&self, waiting: &Waiting) -> Option<Due> {
        let now = Clock::System.now();
        self.engine.next_due(|due| waiting.holds(due, now) || self.withholds(due)).await
    }

    /// Whether this is still to be done.
    async fn is_due(&self, due: &Due) -> bool {
        let budgets = match due.work {
            Work::NoteBudget(..) => self.engine.budgets_due().await,
            _ => Vec::new(),
        };
        self.engine.is_due(due, &budgets)
    }

    /// Whether this destroys something for good while the clock is not trusted: it waits, and nothing waits for it. The
    /// engine refuses it, too.
    fn withholds(&self, due: &Due) -> bool {
        due.work.destroys() && self.clock().check_trusted().is_err()
    }

    /// Does one thing that is due; nothing if it is not due any more.
    async fn work(&self, due: Due) -> Result<Option<Happening>> {
        let Due { at, hsm, work } = due;
        let path = |name: &KeyName| KeyPath { hsm: hsm.clone(), name: name.clone() };
        let done = match &work {
            Work::PurgeKey(name) => {
                let purged = self.engine.due(PurgeExpiredKey { key: path(name) }).await;
                purged.map(|()| Happened::PurgedKey(name.clone()))
            }
            Work::PurgeHsm => self.purge_hsm(&hsm).await,
            Work::RotateKey(name) => match self.engine.due(RotateDueKey { key: path(name) }).await {
                Ok(made) => Ok(Happened::RotatedKey(name.clone(), made.version.version)),
                Err(error) if RotateDueKey::gives_up(&error) => {
                    tracing::error!(%hsm, key = %name, due = %at, %error, "a key could not be rotated by its policy");
                    Ok(Happened::NotRotatedKey(name.clone()))
                }
                Err(error) => Err(error),
            },
            Work::NoteBudget(subscription, name) => {
                let id = BudgetId { subscription: *subscription, name: name.clone() };
                let noted = self.engine.due(NoteBudgetReached { id: id.clone() }).await;
                noted.map(|budget| {
                    tracing::warn!(budget = %budget.name, scope = %budget.scope, amount = %budget.amount, "a budget is reached");
                    Happened::ReachedBudget(id)
                })
            }
            Work::NoteNearExpiry(name) => {
                let noted = self.engine.due(NoteNearExpiry { key: path(name) }).await;
                noted.map(|version| Happened::NearExpiry(name.clone(), version))
            }
        };
        match done {
            Ok(what) => {
                tracing::info!(%hsm, due = %at, ?what, "done because it was due");
                Ok(Some(Happening { at, hsm, what }))
            }
            // Changed a moment before: nothing is due any more.
            Err(
                Error::BudgetNotFound { .. }
                | Error::Conflict { .. }
                | Error::DeletedHsmNotFound { .. }
                | Error::DeletedKeyNotFound { .. }
                | Error::HsmDeleted { .. }
                | Error::HsmNotFound { .. }
                | Error::KeyNotFound { .. },
            ) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn purge_hsm(&self, name: &HsmName) -> Result<Happened> {
        let gone = || Error::DeletedHsmNotFound { hsm: name.clone() };
        let hsm = self.engine.managed_hsm(name).ok_or_else(gone)?;
        let path = DeletedHsmPath {
            subscription: hsm.subscription,
            location: hsm.location.clone(),
            name: hsm.name.clone(),
        };
        self.engine.due(PurgeExpiredManagedHsm { path: path.clone() }).await?;
        Ok(Happened::PurgedHsm(path))
    }

    fn clock(&self) -> &Clock {
        self.engine.clock()
    }
}

/// Adds to a report what fits in it.
fn note(happenings: &mut Vec<Happening>, happening: Option<Happening>) {
    if happenings.len() < REPORTED {
        happenings.extend(happening);
    }
}

fn copy<'a>(credential: &Result<Credential<'a>>) -> Result<Credential<'a>> {
    match credential {
        Ok(credential) => Ok(*credential),
        Err(error) => Err(error.clone()),
    }
}
