//! What happens because time passes: deleted keys are purged when their retention interval ends.
//!
//! The scheduler sleeps until the earliest instant at which something is due, is woken by changes and
//! by the clock, and does due work in order of due time, through the engine. It keeps nothing in
//! memory that a restart would lose: what is due follows from what is stored.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::identity::Credential;
use crate::model::entry::Origin;
use crate::model::name::{HsmName, KeyName};
use crate::model::time::{Due, Work};
use crate::model::{Error, Result, Timestamp};
use crate::ops::KeyPath;
use crate::ops::clock::{AdvanceClock, ClockFace};
use crate::ops::deleted::PurgeExpiredKey;
use crate::ops::hsms::{DeletedHsmPath, PurgeExpiredManagedHsm};

/// How long the scheduler waits before it tries again what failed.
const AGAIN: Duration = Duration::from_secs(5);
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
        loop {
            let failed = {
                let _turn = self.turn.lock().await;
                self.settle(self.clock().now()).await.is_err()
            };
            let next = self.engine.next_due().map(|due| due.at);
            let wake = next.unwrap_or(Timestamp::MAX);
            if failed {
                // The clock may stand still; what failed is tried again by the machine's.
                let again = Clock::System.now() + AGAIN;
                Clock::System.sleep_towards(again).await;
                continue;
            }
            tokio::select! {
                () = self.clock().sleep_towards(wake) => {}
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
    ) -> Result<(ClockFace, Vec<Happening>)> {
        let _turn = self.turn.lock().await;
        let mut happenings = Vec::new();
        // The last step is the caller's own call, and is authorized, recorded and refused as such; it
        // comes first as a question, so that a refused caller turns nothing.
        let asked =
            self.engine.call::<crate::ops::clock::GetClock>(copy(&credential), origin.clone(), || {
                Ok(crate::ops::clock::GetClock)
            });
        let now = asked.await?.now;
        let to = target(now)?;
        while let Some(due) = self.engine.next_due().filter(|due| due.at <= to) {
            if due.at > self.clock().now() {
                self.engine.due(AdvanceClock { to: due.at }).await?;
            }
            note(&mut happenings, self.work(due).await?);
        }
        let face = self.engine.call(credential, origin, || Ok(AdvanceClock { to })).await?;
        Ok((face, happenings))
    }

    /// Does everything that is due by `now`.
    async fn settle(&self, now: Timestamp) -> Result<()> {
        while let Some(due) = self.engine.next_due().filter(|due| due.at <= now) {
            self.work(due).await?;
        }
        Ok(())
    }

    /// Does one thing that is due; nothing if it is not due any more.
    async fn work(&self, due: Due) -> Result<Option<Happening>> {
        let Due { at, hsm, work } = due;
        let done = match &work {
            Work::PurgeKey(name) => {
                let key = KeyPath { hsm: hsm.clone(), name: name.clone() };
                self.engine.due(PurgeExpiredKey { key }).await.map(|()| Happened::PurgedKey(name.clone()))
            }
            Work::PurgeHsm => self.purge_hsm(&hsm).await,
        };
        match done {
            Ok(what) => {
                tracing::info!(%hsm, due = %at, ?what, "done because it was due");
                Ok(Some(Happening { at, hsm, what }))
            }
            // Recovered or purged a moment before: nothing is due any more.
            Err(
                Error::Conflict { .. }
                | Error::DeletedKeyNotFound { .. }
                | Error::DeletedHsmNotFound { .. }
                | Error::HsmDeleted { .. }
                | Error::HsmNotFound { .. },
            ) => Ok(None),
            Err(error) => {
                tracing::error!(%hsm, due = %at, ?work, %error, "what was due could not be done");
                Err(error)
            }
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
