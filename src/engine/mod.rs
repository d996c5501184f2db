//! The pipeline: every call on every surface goes through here, and nothing goes past it.

mod locks;
mod record;
mod sweep;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::identity::{Caller, Credential, Identity, authorize};
use crate::model::change::IntentVerb;
use crate::model::entry::{Meter, Origin};
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::name::HsmName;
use crate::model::{Error, Result};
use crate::ops::{Cx, Done, Operation, PublicKeys, Target, UnderWay};
use crate::store::{Commit, Store};
use crate::token::Token;

use locks::Locks;
use record::Pending;

/// Answers calls. A cheap handle.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    identity: Identity,
    store: Store,
    tokens: RwLock<HashMap<String, Token>>,
    public_keys: Arc<PublicKeys>,
    clock: Clock,
    locks: Locks,
    under_way: UnderWay,
    running: TaskTracker,
}

/// A call that was let in: who calls what, where.
struct Admitted<O> {
    operation: O,
    hsm: Arc<ManagedHsm>,
    pending: Pending,
}

impl Engine {
    /// An engine without HSMs; [`attach`](Self::attach) gives it their tokens.
    pub fn new(identity: Identity, store: Store, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            identity,
            store,
            tokens: RwLock::default(),
            public_keys: Arc::default(),
            clock,
            locks: Locks::default(),
            under_way: UnderWay::default(),
            running: TaskTracker::new(),
        }))
    }

    /// Says which token holds the keys of an HSM.
    pub fn attach(&self, hsm: &HsmName, token: Token) {
        self.0.tokens.write().unwrap_or_else(PoisonError::into_inner).insert(hsm.folded(), token);
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
    ) -> Result<O::Reply> {
        let mut pending = Pending::begin(self, O::EVENT, O::METER, origin);
        let (operation, hsm) = match self.admit(credential, request, &mut pending).await {
            Ok(admitted) => admitted,
            Err(error) => return pending.refuse(error).await,
        };
        let admitted = Admitted { operation, hsm, pending };
        if !O::CHANGES {
            return self.run(admitted).await;
        }
        // What changes something runs to its end, whatever becomes of the caller's connection.
        let engine = self.clone();
        let task = self.0.running.spawn(async move { engine.run(admitted).await });
        task.await.unwrap_or_else(|error| Err(Error::internal(format!("{} did not end: {error}", O::NAME))))
    }

    /// Records a call that could not be read, and says what its sender is to be told: that, if it is
    /// known, or else that it is not.
    pub async fn refuse(
        &self,
        credential: Result<Credential<'_>>,
        origin: Origin,
        (event, meter): (&'static str, Meter),
        error: Error,
    ) -> Error {
        let mut pending = Pending::begin(self, event, meter, origin);
        let authenticated = match credential {
            Ok(credential) => self.0.identity.authenticate(credential).await,
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
    ) -> Result<(O, Arc<ManagedHsm>)> {
        let caller = self.0.identity.authenticate(credential?).await?;
        pending.caller(&caller);
        let operation = request()?;
        let id = operation.target();
        pending.target(O::Target::hsm(&id), O::Target::describe(&id));
        let hsm = self.hsm(O::Target::hsm(&id), &caller)?;
        let scope = O::Target::scope(&id, &self.0.store);
        let grants = |principal| self.0.store.grants(&hsm.name, principal);
        authorize(&caller, grants, O::ACTION, &scope)?;
        Ok((operation, hsm))
    }

    /// The HSM asked for, if the caller's tenant is its own.
    fn hsm(&self, name: &HsmName, caller: &Caller) -> Result<Arc<ManagedHsm>> {
        let hsm = self.0.store.hsm(name).ok_or_else(|| Error::HsmNotFound { hsm: name.clone() })?;
        if hsm.tenant != caller.tenant {
            return Err(Error::Unauthenticated {
                why: "the credential belongs to another tenant than the HSM",
            });
        }
        Ok(hsm)
    }

    /// Loads, checks, executes and commits.
    async fn run<O: Operation>(&self, admitted: Admitted<O>) -> Result<O::Reply> {
        let Admitted { operation, hsm, mut pending } = admitted;
        let id = operation.target();
        let _exclusive =
            if O::CHANGES { Some(self.0.locks.acquire(O::Target::lock(&id)).await) } else { None };
        let cx = match self.context(&hsm, &pending) {
            Ok(cx) => cx,
            Err(error) => return pending.refuse(error).await,
        };
        match self.attempt(operation, &id, &cx).await {
            Ok(Done { reply, changes }) => {
                let close = cx.intent_ids();
                let record = pending.conclude(Ok(()));
                match self.0.store.commit(Commit { changes, open: None, close, record }).await {
                    Ok(()) => {
                        pending.answered();
                        Ok(reply)
                    }
                    Err(error) => {
                        self.undo(&cx).await;
                        pending.refuse(error).await
                    }
                }
            }
            Err(error) => {
                self.undo(&cx).await;
                pending.refuse(error).await
            }
        }
    }

    fn context(&self, hsm: &Arc<ManagedHsm>, pending: &Pending) -> Result<Cx> {
        if hsm.activation != Activation::Active {
            return Err(Error::HsmNotActivated { hsm: hsm.name.clone() });
        }
        let token = self.token(&hsm.name)?;
        let Inner { store, public_keys, under_way, .. } = &*self.0;
        Ok(Cx::new(hsm.clone(), token, store.clone(), public_keys.clone(), under_way.clone(), pending.at()))
    }

    fn token(&self, hsm: &HsmName) -> Result<Token> {
        let tokens = self.0.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let token = tokens.get(&hsm.folded()).cloned();
        token.ok_or_else(|| Error::TokenUnavailable { why: format!("no token is attached to HSM {hsm}") })
    }

    async fn attempt<O: Operation>(
        &self,
        operation: O,
        id: &<O::Target as Target>::Id,
        cx: &Cx,
    ) -> Result<Done<O::Reply>> {
        let target = O::Target::load(&cx.hsm, id, &cx.store)?;
        operation.check(&target, cx.now)?;
        match operation.execute(target, cx).await {
            // Destroyed between loading and use: then loading again says what became of it.
            Err(error @ Error::KeyMaterialMissing { .. }) => {
                Err(O::Target::load(&cx.hsm, id, &cx.store).err().unwrap_or(error))
            }
            result => result,
        }
    }

    /// Undoes what a failed operation had declared to make. What cannot be undone now, and what was
    /// declared to be destroyed, is left to the sweeper.
    async fn undo(&self, cx: &Cx) {
        for intent in cx.intents() {
            if intent.verb == IntentVerb::Create
                && let Err(error) = self.discard(&cx.token, &intent).await
            {
                tracing::warn!(intent = %intent.id, %error, "objects of a failed operation are left to the sweeper");
            }
        }
    }

    /// Waits until the calls that change something have ended, and closes the store.
    /// True if all of them ended in time.
    pub async fn shut_down(&self, patience: Duration) -> bool {
        self.0.running.close();
        let ended = tokio::time::timeout(patience, self.0.running.wait()).await.is_ok();
        let tokens: Vec<Token> =
            self.0.tokens.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        let mut drained = true;
        for token in tokens {
            drained &= token.drain(patience).await;
        }
        self.0.store.close().await;
        ended && drained
    }

    /// Whether every token answers.
    ///
    /// # Errors
    /// That of the first token that does not.
    pub async fn health(&self) -> Result<()> {
        let tokens: Vec<Token> =
            self.0.tokens.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for token in tokens {
            token.health().await?;
        }
        Ok(())
    }
}
