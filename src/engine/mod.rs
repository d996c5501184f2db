//! The pipeline: every call on every surface goes through here, and nothing goes past it.

mod audit_log;
mod budgets;
mod gate;
mod locks;
mod missing;
mod panics;
mod record;
mod refusals;
mod sweep;
mod tokens_issued;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::identity::{Audience, Caller, Credential, Identity, Verified};
use crate::ids::Ids;
use crate::model::aes_modes::AesModePolicy;
use crate::model::billing::Pricing;
use crate::model::change::IntentVerb;
use crate::model::entry::{Meter, Origin};
use crate::model::event::Watched;
use crate::model::hsm::ManagedHsm;
use crate::model::location::Locations;
use crate::model::name::HsmName;
use crate::model::time::{Due, Work};
use crate::model::{Error, Result, Timestamp};
use crate::ops::{CxOf, Done, Intents, Operation, Plane, PlaneOf, PublicKeys, Target, Tokens, UnderWay};
use crate::store::{Commit, Store};
use crate::token::Supply;

pub use audit_log::{AuditLog, Signer};
pub use gate::Gate;
use locks::Locks;
pub use panics::caught;
use panics::caught_now;
use record::Pending;
pub use refusals::RefusalLimits;
use refusals::Refusals;

/// Answers calls. A cheap handle.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    identity: Identity,
    store: Store,
    tokens: Tokens,
    supply: Supply,
    public_keys: Arc<PublicKeys>,
    locations: Arc<Locations>,
    pricing: Arc<Pricing>,
    aes_modes: AesModePolicy,
    clock: Clock,
    locks: Locks,
    under_way: UnderWay,
    running: TaskTracker,
    refusals: Refusals,
    audit_log: AuditLog,
}

/// A call that was let in: who calls what, where.
struct Admitted<O: Operation>
where
    PlaneOf<O>: Gate,
{
    operation: O,
    found: <PlaneOf<O> as Gate>::Found,
    /// `None` where the service itself acts.
    caller: Option<Arc<Caller>>,
    pending: Pending,
}

impl Engine {
    /// An engine on what was opened; `supply` has the tokens for new HSMs, `tokens` those of the HSMs that are there.
    pub fn new(
        identity: Identity,
        store: Store,
        clock: Clock,
        locations: Locations,
        pricing: Pricing,
        (supply, tokens): (Supply, Tokens),
        (aes_modes, audit_log): (AesModePolicy, AuditLog),
    ) -> Self {
        Self(Arc::new(Inner {
            identity,
            store,
            tokens,
            supply,
            public_keys: Arc::default(),
            locations: Arc::new(locations),
            pricing: Arc::new(pricing),
            aes_modes,
            clock,
            locks: Locks::default(),
            under_way: UnderWay::default(),
            running: TaskTracker::new(),
            refusals: Refusals::new(audit_log.refusals.clone()),
            audit_log,
        }))
    }

    /// Verifies the credential of a request before any of its body is read: it must be meant for one of the audiences.
    /// The call that follows, which asks for that of its plane, or the refusal is what is recorded.
    ///
    /// # Errors
    /// `Unauthenticated`.
    pub async fn authenticate(&self, credential: Credential<'_>, audiences: &[Audience]) -> Result<Verified> {
        self.0.identity.verify(credential, audiences).await
    }

    /// Answers `request`, which is read only once its sender is known.
    ///
    /// Nothing is answered that was not recorded first: the changes, the meter reading and the audit
    /// record are one transaction, and if it fails so does the call.
    ///
    /// # Errors
    /// Whatever the caller must be told, in the order of the steps.
    pub async fn call<O: Operation>(
        &self,
        credential: Result<Credential<'_>>,
        origin: Origin,
        request: impl FnOnce() -> Result<O> + Send,
    ) -> Result<O::Reply>
    where
        PlaneOf<O>: Gate,
    {
        let mut pending = Pending::begin(self, O::EVENT, O::METER, origin);
        let admitted = caught(O::NAME, self.admit(credential, request, &mut pending)).await;
        let (operation, found, caller) = match admitted {
            Ok(admitted) => admitted,
            Err(error) => return pending.refuse(error).await,
        };
        self.start(Admitted { operation, found, caller: Some(caller), pending }).await
    }

    /// As [`call`](Self::call), and shows the reply as its surface does. The call has been recorded by then: if showing
    /// it panics, that is recorded as well, under the same correlation id.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn answer<O: Operation, R>(
        &self,
        credential: Result<Credential<'_>>,
        origin: Origin,
        request: impl FnOnce() -> Result<O> + Send,
        show: impl FnOnce(O::Reply) -> R + Send,
    ) -> Result<R>
    where
        PlaneOf<O>: Gate,
    {
        let again = match &credential {
            Ok(credential) => Ok(*credential),
            Err(error) => Err(error.clone()),
        };
        let reply = self.call::<O>(credential, origin.clone(), request).await?;
        match caught_now(O::NAME, || show(reply)) {
            Ok(shown) => Ok(shown),
            Err(error) => {
                let audiences = [PlaneOf::<O>::AUDIENCE];
                Err(self.refuse((again, &audiences), origin, (O::EVENT, Meter::Free), error).await)
            }
        }
    }

    /// Does what has come due, in the name of the service itself: checked, metered and audited like
    /// what a caller asks for, but that nobody is asked for a credential. For jobs alone.
    ///
    /// # Errors
    /// `ClockNotTrusted` for what destroys something for good, while the machine's clock is not trusted; else as
    /// [`call`](Self::call), from loading on.
    pub async fn due<O: Operation>(&self, operation: O) -> Result<O::Reply>
    where
        PlaneOf<O>: Gate,
    {
        let origin = Origin {
            client_info: "strongroom, because it was due".to_owned(),
            correlation_id: Ids.guid(),
            operation_version: "v1".into(),
            ..Origin::default()
        };
        let mut pending = Pending::begin_own(self, O::EVENT, O::METER, origin);
        let found = caught_now(O::NAME, || {
            let id = operation.target();
            let place = O::Target::place(&id);
            PlaneOf::<O>::note(&mut pending, &place);
            pending.target(O::Target::describe(&id), O::Target::resource(&id));
            PlaneOf::<O>::find(self, &place)
        });
        // The record was dated by a reading of the clock just now: if that was wrong, the guard has seen it.
        let trusted = |found| {
            if O::DESTROYS_WHEN_DUE { self.0.clock.check_trusted().map(|()| found) } else { Ok(found) }
        };
        match found.flatten().and_then(trusted) {
            Ok(found) => self.start(Admitted { operation, found, caller: None, pending }).await,
            Err(error) => pending.refuse(error).await,
        }
    }

    /// Records a call that could not be read, and says what its sender is to be told: that, if it is
    /// known, or else that it is not. `audiences` are those of the planes that may have been meant.
    pub async fn refuse(
        &self,
        (credential, audiences): (Result<Credential<'_>>, &[Audience]),
        origin: Origin,
        (event, meter): (&'static str, Meter),
        error: Error,
    ) -> Error {
        let mut pending = Pending::begin(self, event, meter, origin);
        let authenticated = match credential {
            Ok(credential) => self.0.identity.authenticate(credential, audiences).await,
            Err(error) => Err(error),
        };
        let error = match authenticated {
            Ok(caller) => {
                pending.caller(&caller);
                error
            }
            Err(unknown) => unknown,
        };
        match pending.refuse::<Infallible>(error).await {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    /// Authenticates, parses and authorizes: everything that comes before anything is loaded.
    async fn admit<O: Operation>(
        &self,
        credential: Result<Credential<'_>>,
        request: impl FnOnce() -> Result<O> + Send,
        pending: &mut Pending,
    ) -> Result<(O, <PlaneOf<O> as Gate>::Found, Arc<Caller>)>
    where
        PlaneOf<O>: Gate,
    {
        let caller = self.0.identity.authenticate(credential?, &[PlaneOf::<O>::AUDIENCE]).await?;
        pending.caller(&caller);
        let operation = request()?;
        let id = operation.target();
        let place = O::Target::place(&id);
        PlaneOf::<O>::note(pending, &place);
        pending.target(O::Target::describe(&id), O::Target::resource(&id));
        let found = PlaneOf::<O>::find(self, &place)?;
        let scope = O::Target::scope(&id, &self.0.store);
        let asked = O::Target::asked(&id);
        let scopes = (&scope, asked.as_ref().unwrap_or(&scope));
        PlaneOf::<O>::admit(self, &caller, &found, O::ACTION, scopes)?;
        Ok((operation, found, caller))
    }

    /// Runs an operation: what changes something to its end, whatever becomes of the caller's connection.
    async fn start<O: Operation>(&self, admitted: Admitted<O>) -> Result<O::Reply>
    where
        PlaneOf<O>: Gate,
    {
        if !O::CHANGES {
            return self.run(admitted).await;
        }
        let engine = self.clone();
        let task = self.0.running.spawn(async move { engine.run(admitted).await });
        task.await.unwrap_or_else(|error| Err(Error::internal(format!("{} did not end: {error}", O::NAME))))
    }

    /// Loads, checks, executes and commits.
    async fn run<O: Operation>(&self, admitted: Admitted<O>) -> Result<O::Reply>
    where
        PlaneOf<O>: Gate,
    {
        let Admitted { operation, found, caller, mut pending } = admitted;
        let id = operation.target();
        let _exclusive =
            if O::CHANGES { Some(self.0.locks.acquire(O::Target::lock(&id)).await) } else { None };
        if O::CHANGES
            && let Some(caller) = &caller
        {
            // While the call waited for its turn, what it names may have become another thing, at another scope.
            let admit = || {
                let scope = O::Target::scope(&id, &self.0.store);
                let asked = O::Target::asked(&id);
                let scopes = (&scope, asked.as_ref().unwrap_or(&scope));
                PlaneOf::<O>::admit(self, caller, &found, O::ACTION, scopes)
            };
            if let Err(error) = caught_now(O::NAME, admit).flatten() {
                return pending.refuse(error).await;
            }
        }
        let now = pending.at();
        let equip = || PlaneOf::<O>::equip(self, found, caller.as_deref(), now, O::IN_SERVICE);
        let cx = match caught_now(O::NAME, equip).flatten() {
            Ok(cx) => cx,
            Err(error) => return pending.refuse(error).await,
        };
        let intents = PlaneOf::<O>::intents(&cx);
        match caught(O::NAME, self.attempt(operation, &id, &cx, now)).await {
            Ok(Done { reply, changes, used }) => {
                pending.used(used);
                let close = intents.map(Intents::ids).unwrap_or_default();
                let record = pending.conclude(Ok(()));
                match self.0.store.commit(Commit { changes, close, record, ..Commit::default() }).await {
                    Ok(()) => {
                        pending.answered();
                        Ok(reply)
                    }
                    Err(error) => {
                        self.undo(intents).await;
                        pending.refuse(error).await
                    }
                }
            }
            Err(error) => {
                self.undo(intents).await;
                let noted = O::refused(&id, &error);
                pending.refuse_and(error, noted).await
            }
        }
    }

    fn hsm(&self, name: &HsmName) -> Result<Arc<ManagedHsm>> {
        self.0.store.hsm(name).ok_or_else(|| Error::HsmNotFound { hsm: name.clone() })
    }

    async fn attempt<O: Operation>(
        &self,
        operation: O,
        id: &<O::Target as Target>::Id,
        cx: &CxOf<O>,
        now: Timestamp,
    ) -> Result<Done<O::Reply>> {
        let target = O::Target::load(id, &self.0.store)?;
        operation.check(&target, now)?;
        match operation.execute(target, cx).await {
            // Destroyed between loading and use: then loading again says what became of it.
            Err(error @ Error::KeyMaterialMissing { .. }) => {
                Err(O::Target::load(id, &self.0.store).err().unwrap_or(error))
            }
            result => result,
        }
    }

    /// Undoes what a failed operation had declared to make. What cannot be undone now, and what was
    /// declared to be destroyed, is left to the sweeper; so is everything while it is not known whether the
    /// operation is on record after all.
    async fn undo(&self, intents: Option<&Intents>) {
        let declared = intents.map(Intents::declared).unwrap_or_default();
        if declared.is_empty() {
            return;
        }
        if let Err(error) = self.0.store.settle().await {
            tracing::warn!(%error, "what a failed operation made is left to the sweeper");
            return;
        }
        // An intent that is not open any more was concluded with the operation's changes.
        let open = self.0.store.intents();
        for intent in declared.into_iter().filter(|declared| open.iter().any(|one| one.id == declared.id)) {
            let undone = match intent.verb {
                IntentVerb::Create => self.discard(&intent).await,
                IntentVerb::Provision => self.withdraw(&intent).await,
                IntentVerb::Destroy | IntentVerb::Wipe => continue,
            };
            if let Err(error) = undone {
                tracing::warn!(intent = %intent.id, %error, "what a failed operation made is left to the sweeper");
            }
        }
    }

    /// A place for what an operation declares.
    fn intents(&self) -> Intents {
        Intents::new(self.0.store.clone(), self.0.under_way.clone())
    }

    /// The service's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Has the mark of a guarded clock written, if it is due.
    ///
    /// # Errors
    /// `Internal` where the database fails.
    pub async fn keep_time(&self) -> Result<()> {
        self.0.store.commit(Commit::default()).await
    }

    /// What comes due first and is not excepted.
    pub async fn next_due(&self, except: impl Fn(&Due) -> bool) -> Option<Due> {
        let budgets = self.budgets_due().await.into_iter().filter(|due| !except(due));
        self.0.store.next_due(&except).into_iter().chain(budgets).min_by_key(|due| due.at)
    }

    /// Whether this is still to be done, now or later; `budgets` are those that are [due](Self::budgets_due).
    pub fn is_due(&self, due: &Due, budgets: &[Due]) -> bool {
        match due.work {
            Work::NoteBudget(..) => budgets.contains(due),
            _ => self.0.store.is_due(due),
        }
    }

    /// An HSM as a resource, live or deleted.
    pub fn managed_hsm(&self, name: &HsmName) -> Option<Arc<ManagedHsm>> {
        self.0.store.hsm(name)
    }

    /// Tells when something was changed.
    pub fn watch(&self) -> tokio::sync::watch::Receiver<u64> {
        self.0.store.watch()
    }

    /// Waits until something happens after a place in the log of lifecycle events that concerns a watch, and gives
    /// the place from which it must read: events between that are not for it are passed over here, without a call.
    pub async fn concerned(&self, watched: Watched, mut position: u64) -> u64 {
        let mut told = self.0.store.watch_events();
        loop {
            let newest = *told.borrow_and_update();
            if self.0.store.events_concern(watched, position) {
                return position;
            }
            position = newest.max(position);
            if told.changed().await.is_err() {
                // The store is gone, and with it whatever could happen.
                return std::future::pending().await;
            }
        }
    }

    /// Waits until the calls that change something have ended, and closes the store.
    /// True if all of them ended in time.
    pub async fn shut_down(&self, patience: Duration) -> bool {
        let started = Instant::now();
        self.0.running.close();
        let ended = tokio::time::timeout(patience, self.0.running.wait()).await.is_ok();
        self.record_refusals(true).await;
        if let Err(error) = self.sign_audit_log().await {
            tracing::error!(%error, "the end of the audit log could not be signed");
        }
        let mut drained = true;
        if let Some(signer) = &self.0.audit_log.signer {
            drained &= signer.drain(patience).await;
        }
        for token in self.0.tokens.all() {
            drained &= token.drain(patience.saturating_sub(started.elapsed())).await;
        }
        self.0.store.close().await;
        ended && drained
    }

    /// Whether every token answers.
    ///
    /// # Errors
    /// That of the first token that does not.
    pub async fn health(&self) -> Result<()> {
        for token in self.0.tokens.all() {
            token.health().await?;
        }
        Ok(())
    }
}
