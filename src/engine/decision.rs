//! Decides a call by the state in memory: authorizes it, runs it and commits it.
//!
//! If other instances of the service share the database, the state may have been outdated. The commit tells, before the call is
//! answered, and then the call is decided again by the new state. So an answer, a refusal as well, never contradicts what was
//! acknowledged anywhere before the call arrived.

use std::sync::Arc;

use tracing::Instrument as _;

use super::call_metrics;
use super::call_record::{Attempt, CallRecord};
use super::panics::{catch_panics, catch_panics_sync};
use super::plane_access::Availability;
use super::steps::step;
use super::{Engine, PlaneAccess};
use crate::identity::{Caller, Credential};
use crate::model::{Error, Result, Timestamp};
use crate::ops::{CxOf, Done, Intents, Operation, Plane as _, PlaneOf, Target};
use crate::store::{Commit, Committed};

/// How often a call is decided at most: other instances change its container again and again.
const ATTEMPTS: usize = 20;

/// A call that is decided.
struct Call<O: Operation>
where
    PlaneOf<O>: PlaneAccess,
{
    operation: O,
    /// `None` for operations that the service starts itself.
    caller: Option<Arc<Caller>>,
    pending: CallRecord,
    /// What the state says of it; `None` if it must be asked.
    found: Option<Result<Found<O>>>,
}

/// What the authorization has found.
struct Found<O: Operation>
where
    PlaneOf<O>: PlaneAccess,
{
    /// The container of the target, for example the HSM.
    container: <PlaneOf<O> as PlaneAccess>::Resolved,
    /// The error of the call if it does not succeed, instead of the one that would tell a state.
    otherwise: Otherwise,
}

/// The refusal of a call that no role grants, and that is answered because it only tells the caller about itself. Such a call must
/// not learn the state of what it names, so every error that would tell it is the refusal.
struct Otherwise(Option<Error>);

impl Otherwise {
    /// Returns the error to reply with.
    fn instead_of(self, error: Error) -> Error {
        match (self.0, &error) {
            (None, _) | (_, Error::Internal(_) | Error::Throttled { .. }) => error,
            (Some(refusal), _) => refusal,
        }
    }
}

impl Engine {
    /// Authenticates the caller and parses the request.
    pub(super) async fn parse_call<O: Operation>(
        &self,
        credential: Result<Credential<'_>>,
        request: impl FnOnce() -> Result<O> + Send,
        pending: &mut CallRecord,
    ) -> Result<(O, Arc<Caller>)>
    where
        PlaneOf<O>: PlaneAccess,
    {
        let authenticated = self.0.identity.authenticate(credential?, PlaneOf::<O>::AUDIENCES);
        let caller = authenticated.instrument(step!("authenticate")).await?;
        pending.set_caller(&caller);
        Ok((step!("parse").in_scope(request)?, caller))
    }

    /// Authorizes, runs and commits an operation. One that changes its target runs in a task of its own, which completes even if the
    /// caller disconnects.
    pub(super) async fn decide<O: Operation>(
        &self,
        operation: O,
        caller: Option<Arc<Caller>>,
        mut pending: CallRecord,
    ) -> Result<O::Reply>
    where
        PlaneOf<O>: PlaneAccess,
    {
        pending.decide_by(&self.0.store, O::Target::object(&operation.target()));
        let found = self.authorize(&operation, caller.as_deref(), &mut pending);
        let is_final = found.is_err() && !self.0.store.is_shared();
        let call = Call { operation, caller, pending, found: Some(found) };
        if !O::CHANGES || is_final {
            // Boxed, because the futures around it are moved, and it is by far the largest.
            return Box::pin(self.run_until_current(call)).await;
        }
        let engine = self.clone();
        let task =
            self.0.running.spawn(async move { engine.run_until_current(call).await }.in_current_span());
        task.await.unwrap_or_else(|error| {
            Err(Error::internal_caused_by(format!("{} did not complete", O::NAME), error))
        })
    }

    /// Runs a call, again if another instance has changed the state by which it was decided.
    async fn run_until_current<O: Operation>(&self, mut call: Call<O>) -> Result<O::Reply>
    where
        PlaneOf<O>: PlaneAccess,
    {
        for _ in 1..ATTEMPTS {
            let again = self.0.store.is_shared().then(|| (call.operation.clone(), call.caller.clone()));
            match (self.run(call).await, again) {
                (Attempt::Answered(answer), _) => return answer,
                (Attempt::Outdated(mut pending), Some((operation, caller))) => {
                    call_metrics::record_decided_again();
                    pending.decide_by(&self.0.store, O::Target::object(&operation.target()));
                    call = Call { operation, caller, pending: *pending, found: None };
                }
                (Attempt::Outdated(pending), None) => return pending.refuse(changed_again()).await,
            }
        }
        call.pending.refuse(changed_again()).await
    }

    /// Resolves the container of an operation and authorizes the caller.
    fn authorize<O: Operation>(
        &self,
        operation: &O,
        caller: Option<&Caller>,
        pending: &mut CallRecord,
    ) -> Result<Found<O>>
    where
        PlaneOf<O>: PlaneAccess,
    {
        catch_panics_sync(O::NAME, || {
            let _authorizing = step!("authorize").entered();
            pending.set_item_count(operation.item_count());
            let id = operation.target();
            let container = O::Target::container(&id);
            PlaneOf::<O>::record_container(pending, &container);
            pending.set_target(O::Target::describe(&id), O::Target::resource(&id));
            let Some(caller) = caller else {
                let found = PlaneOf::<O>::resolve(self, &container)?;
                // The record has just read the clock, so the clock guard has checked that reading.
                if O::DESTROYS_WHEN_DUE {
                    self.0.clock.check_trusted()?;
                }
                return Ok(Found { container: found, otherwise: Otherwise(None) });
            };
            PlaneOf::<O>::check_audience(caller, &container)?;
            let found = PlaneOf::<O>::resolve(self, &container)?;
            let scope = O::Target::scope(&id, &self.0.store);
            let requested = O::Target::requested_scope(&id);
            let scopes = (&scope, requested.as_ref().unwrap_or(&scope));
            let refusal = match PlaneOf::<O>::authorize(self, caller, &found, O::ACTION, scopes) {
                Ok(deciding) => {
                    deciding.into_iter().for_each(|id| pending.set_deciding_assignment(id));
                    None
                }
                Err(refusal @ Error::Forbidden { .. }) if operation.concerns_only(&caller.principals()) => {
                    Some(refusal)
                }
                Err(error) => return Err(error),
            };
            Ok(Found { container: found, otherwise: Otherwise(refusal) })
        })
        .flatten()
    }

    /// Loads, checks, executes and commits.
    async fn run<O: Operation>(&self, call: Call<O>) -> Attempt<O::Reply>
    where
        PlaneOf<O>: PlaneAccess,
    {
        let Call { operation, caller, mut pending, found } = call;
        let found = found.unwrap_or_else(|| self.authorize(&operation, caller.as_deref(), &mut pending));
        let Found { container: found, otherwise } = match found {
            Ok(found) => found,
            Err(error) => return pending.try_refuse(error, Vec::new()).await,
        };
        let id = operation.target();
        let exclusive = if O::CHANGES {
            Some(self.0.locks.acquire(O::Target::lock(&id)).instrument(step!("lock")).await)
        } else {
            None
        };
        if O::CHANGES
            && let Some(caller) = &caller
        {
            // While the call waited for the lock, the target may have been replaced by another one at another scope.
            let authorize = || {
                let scope = O::Target::scope(&id, &self.0.store);
                let requested = O::Target::requested_scope(&id);
                let scopes = (&scope, requested.as_ref().unwrap_or(&scope));
                PlaneOf::<O>::authorize(self, caller, &found, O::ACTION, scopes)
            };
            if let Err(error) = catch_panics_sync(O::NAME, authorize).flatten() {
                return pending.try_refuse(error, Vec::new()).await;
            }
        }
        if self.0.store.is_shared() {
            self.attach_token_of(pending.container()).await;
        }
        let now = pending.received_at();
        let create_context =
            || PlaneOf::<O>::create_context(self, found, caller.as_deref(), now, Availability::of::<O>());
        let mut cx = match catch_panics_sync(O::NAME, create_context).flatten() {
            Ok(cx) => cx,
            Err(error) => return pending.try_refuse(otherwise.instead_of(error), Vec::new()).await,
        };
        if let Some(deadline) = pending.deadline() {
            PlaneOf::<O>::set_deadline(&mut cx, deadline);
        }
        let intents = PlaneOf::<O>::intents(&cx);
        match catch_panics(O::NAME, self.attempt(operation, &id, &cx, now)).await {
            Ok(Done { reply, changes, used, open, item_errors }) => {
                pending.set_used_version(used);
                pending.set_item_errors(&item_errors);
                let close = intents.map(Intents::ids).unwrap_or_default();
                let record = pending.conclude(Ok(()));
                let (opened, decided_by) = (open.clone(), pending.decided_by());
                let commit = Commit { changes, open, close, record, decided_by, ..Commit::default() };
                let committed = {
                    let _timer = self.0.steps.commit();
                    self.0.store.commit_decided(commit).instrument(step!("commit")).await
                };
                match committed {
                    Ok(Committed::Done) => {
                        pending.mark_committed();
                        // The end of an intent may need the lock of the target.
                        drop(exclusive);
                        let concluded = self.conclude_soon(opened);
                        if O::AWAITS_INTENT {
                            concluded.await;
                        }
                        Attempt::Answered(Ok(reply))
                    }
                    Ok(Committed::Outdated) => {
                        self.undo(intents).await;
                        Attempt::Outdated(Box::new(pending))
                    }
                    Err(error) => {
                        self.undo(intents).await;
                        pending.try_refuse(error, Vec::new()).await
                    }
                }
            }
            Err(error) => {
                self.undo(intents).await;
                let error = otherwise.instead_of(error);
                let changes = O::failure_changes(&id, &error, self.0.clock.now());
                pending.try_refuse(error, changes).await
            }
        }
    }

    async fn attempt<O: Operation>(
        &self,
        operation: O,
        id: &<O::Target as Target>::Id,
        cx: &CxOf<O>,
        now: Timestamp,
    ) -> Result<Done<O::Reply>>
    where
        PlaneOf<O>: PlaneAccess,
    {
        let check = || -> Result<O::Target> {
            operation.check_context(cx)?;
            let target = O::Target::load(id, &self.0.store)?;
            if let Some(container) = PlaneOf::<O>::addressed(cx) {
                let calls = || (operation.call_class(&target, cx), operation.item_count().unwrap_or(1));
                self.0.throttle.admit(container, calls, now)?;
            }
            operation.check(&target, now)?;
            Ok(target)
        };
        let target = step!("check").in_scope(check)?;
        let executed = {
            let _timer = self.0.steps.execute();
            operation.execute(target, cx).instrument(step!("execute")).await
        };
        match executed {
            // The material was destroyed between loading and use: loading again returns the specific error.
            Err(error @ Error::KeyMaterialMissing { .. }) => {
                Err(O::Target::load(id, &self.0.store).err().unwrap_or(error))
            }
            result => result,
        }
    }
}

/// The error of a call whose container other instances change again and again.
fn changed_again() -> Error {
    Error::Conflict { what: "the container".to_owned() }
}
