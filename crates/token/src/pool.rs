//! The pool of tokens that managed HSMs are allocated from and released to.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Mutex;

use super::local_module::FREE;
use super::{Module, Selector, Settings, Token};
use crate::model::name::VersionId;
use crate::model::{Error, Result};

/// The label of the token with the simulator's audit signing key. No HSM can have this name.
const AUDIT_LABEL: &str = "strongroom:audit";

/// The time limit for outstanding calls to finish before a token is reinitialized.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

/// The number of keys destroyed by one call. Each call has its own timeout.
const DESTROY_BATCH: usize = 64;

/// A pool of tokens for managed HSMs. Cheap to clone.
#[derive(Clone)]
pub struct TokenPool(Arc<Inner>);

struct Inner {
    module: Module,
    source: TokenSource,
    state: Mutex<PoolState>,
    /// The serial number of the token that signs the audit log: it stays open when no HSM uses it.
    audit: OnceLock<String>,
}

/// The open and reserved tokens.
#[derive(Default)]
struct PoolState {
    /// Open tokens, by serial number.
    open: HashMap<String, Token>,
    /// The serial numbers of tokens reserved for HSMs that are not committed yet, by label. Without this, two HSMs
    /// that are created concurrently would get the same token.
    reserved: HashMap<String, String>,
    /// The user PIN that has replaced that of the source.
    replaced_pin: Option<SecretString>,
    /// The number of instances of the service that use the tokens; 0 until it is known.
    instances: usize,
}

/// The tokens that HSMs use or are about to use, according to the store.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TokenUsage {
    /// The labels of the HSMs that are being created: their reservations stay.
    pub pending: Vec<String>,
    /// The serial numbers of the tokens of existing HSMs. Read it after `pending`, so that an HSM that is committed
    /// in between is in at least one of the two.
    pub in_use: Vec<String>,
}

/// The source of the pool's tokens.
pub enum TokenSource {
    /// SoftHSM: a token is initialized for each HSM, and reinitialized when it is released.
    SoftHsm {
        /// Their user PIN.
        pin: SecretString,
        /// Their security officer's PIN.
        so_pin: SecretString,
    },
    /// Partitions of a device that its administrator has initialized.
    Preinitialized {
        /// The tokens that may be allocated to new HSMs.
        tokens: Vec<Selector>,
        /// Whether several HSMs may share a token.
        shared: bool,
        /// Their user PIN.
        pin: SecretString,
    },
}

impl TokenSource {
    const fn pin(&self) -> &SecretString {
        match self {
            Self::SoftHsm { pin, .. } | Self::Preinitialized { pin, .. } => pin,
        }
    }
}

impl TokenPool {
    /// A pool of tokens of a module.
    pub fn new(module: Module, source: TokenSource) -> Self {
        Self(Arc::new(Inner { module, source, state: Mutex::default(), audit: OnceLock::new() }))
    }

    /// Opens a token, or returns the handle if it is open. `known` means that it already holds keys of the
    /// service, so that a token without a sentinel is rejected.
    ///
    /// # Errors
    /// As [`Module::open`].
    pub async fn open(&self, select: &Selector, known: bool) -> Result<Token> {
        let mut state = self.0.state.lock().await;
        let info = self.find(select).await?;
        if let Some(token) = state.open.get(&info.serial) {
            return Ok(token.clone());
        }
        let settings = Settings { expect_sentinel: known, faults: None };
        let pin = state.replaced_pin.as_ref().unwrap_or_else(|| self.0.source.pin()).clone();
        let serial = Selector::Serial(info.serial.clone());
        let token = self.run_blocking(move |module, _| module.open(&serial, &pin, &settings)).await?;
        token.share_sessions(state.instances);
        state.open.insert(info.serial, token.clone());
        Ok(token)
    }

    /// Keeps to this instance's share of the sessions that each token allows, of which this number of instances of the service use
    /// an equal one.
    pub async fn share_sessions(&self, instances: usize) {
        let mut state = self.0.state.lock().await;
        state.instances = instances;
        state.open.values().for_each(|token| token.share_sessions(instances));
    }

    /// Uses this PIN from now on, if one is given, and renews all open tokens: see [`Token::renew`]. A PIN that was rejected is tried
    /// again, because somebody has corrected what was wrong.
    pub async fn renew(&self, pin: Option<SecretString>) {
        let mut state = self.0.state.lock().await;
        if pin.is_some() {
            state.replaced_pin.clone_from(&pin);
        }
        self.0.module.forget_rejected_pins();
        let pin = state.replaced_pin.as_ref().unwrap_or_else(|| self.0.source.pin()).clone();
        for token in state.open.values() {
            token.renew(Some(pin.clone()));
        }
    }

    /// Drains all open tokens: see [`Token::drain`]. They cannot be used afterwards.
    pub async fn drain(&self, deadline: Duration) {
        let tokens: Vec<Token> = self.0.state.lock().await.open.drain().map(|(_, token)| token).collect();
        for token in tokens {
            token.drain(deadline).await;
        }
    }

    /// Opens the token that signs the audit log: the `chosen` one, or with SoftHSM a dedicated token, which is
    /// initialized if it does not exist. `known` are the serial numbers of tokens that hold keys of the service.
    ///
    /// # Errors
    /// As [`Module::provision`] and [`Module::open`].
    pub async fn open_audit(&self, chosen: Option<&Selector>, known: &[String]) -> Result<Token> {
        let serial = match (&self.0.source, chosen) {
            (TokenSource::Preinitialized { .. }, Some(chosen)) => self.find(chosen).await?.serial,
            (TokenSource::Preinitialized { .. }, None) => {
                return Err(Error::internal("no token is configured for signing the audit log"));
            }
            (TokenSource::SoftHsm { .. }, _) => {
                let mut tokens = self.tokens().await?.into_iter();
                let is_made = |token: &super::TokenInfo| {
                    token.initialized && token.has_user_pin && token.label == AUDIT_LABEL
                };
                match tokens.find(is_made) {
                    Some(token) => token.serial,
                    None => self.provision_audit().await?.serial,
                }
            }
        };
        let token = self.open(&Selector::Serial(serial.clone()), known.contains(&serial)).await?;
        let _ = self.0.audit.set(serial);
        Ok(token)
    }

    async fn provision_audit(&self) -> Result<super::TokenInfo> {
        self.run_blocking(|module, source| match source {
            TokenSource::SoftHsm { pin, so_pin } => module.provision(AUDIT_LABEL, so_pin, pin),
            TokenSource::Preinitialized { .. } => {
                Err(Error::internal("pre-initialized tokens are not provisioned"))
            }
        })
        .await
    }

    /// Allocates a token for a new HSM. A token that an interrupted attempt left under this label is reused. The token
    /// is not allocated again while `claims`, which is called under the pool's lock, lists it or the pending HSM.
    ///
    /// # Errors
    /// `TokenPoolExhausted` if no token is free; else as [`Module::provision`] and [`Module::open`].
    pub async fn allocate(
        &self,
        label: &str,
        claims: impl Fn() -> TokenUsage + Send + Sync,
    ) -> Result<Token> {
        match &self.0.source {
            TokenSource::SoftHsm { .. } => {
                self.rollback(label, || claims().in_use).await?;
                let label = label.to_owned();
                let made = self.run_blocking(move |module, source| match source {
                    TokenSource::SoftHsm { pin, so_pin } => module.provision(&label, so_pin, pin),
                    TokenSource::Preinitialized { .. } => {
                        Err(Error::internal("pre-initialized tokens are not provisioned"))
                    }
                });
                let made = made.await?;
                self.open(&Selector::Serial(made.serial), false).await
            }
            TokenSource::Preinitialized { tokens, shared, .. } => {
                let (serial, known) = self.reserve(label, tokens, *shared, claims).await?;
                self.open(&Selector::Serial(serial), known).await
            }
        }
    }

    /// Reserves a pre-initialized token. Returns its serial number, and whether an existing HSM has keys in it.
    async fn reserve(
        &self,
        label: &str,
        tokens: &[Selector],
        shared: bool,
        claims: impl Fn() -> TokenUsage + Send + Sync,
    ) -> Result<(String, bool)> {
        let mut state = self.0.state.lock().await;
        let TokenUsage { pending, in_use } = claims();
        state.reserved.retain(|other, _| other != label && pending.contains(other));
        for select in tokens {
            let serial = self.find(select).await?.serial;
            let known = in_use.contains(&serial);
            if shared || !(known || state.reserved.values().any(|reserved| *reserved == serial)) {
                state.reserved.insert(label.to_owned(), serial.clone());
                return Ok((serial, known));
            }
        }
        Err(Error::TokenPoolExhausted { tokens: tokens.len() })
    }

    /// Reverts [`allocate`](Self::allocate) for an HSM whose creation failed.
    ///
    /// # Errors
    /// The error of the module.
    pub async fn rollback(&self, label: &str, in_use: impl Fn() -> Vec<String> + Send + Sync) -> Result<()> {
        if let TokenSource::Preinitialized { .. } = self.0.source {
            // Allocation has not modified the token.
            return Ok(());
        }
        let in_use = in_use();
        let left = |token: &super::TokenInfo| {
            token.initialized && token.label == label && !in_use.contains(&token.serial)
        };
        for token in self.tokens().await?.into_iter().filter(left) {
            self.release(&token.serial, &[], || false).await?;
        }
        Ok(())
    }

    /// Releases the token of a purged HSM and destroys the HSM's keys, `objects`, in it. A SoftHSM token is
    /// reinitialized; a pre-initialized one is closed unless `others` returns that other HSMs use it. A token that
    /// no longer exists is not an error.
    ///
    /// # Errors
    /// `TokenTimeout` if outstanding calls do not end in time; else the error of the module. Both can be retried.
    pub async fn release(
        &self,
        serial: &str,
        objects: &[VersionId],
        others: impl Fn() -> bool + Send,
    ) -> Result<()> {
        let select = Selector::Serial(serial.to_owned());
        if !self.tokens().await?.iter().any(|token| token.serial == serial) {
            return Ok(());
        }
        if let TokenSource::Preinitialized { shared, .. } = self.0.source {
            let token = self.open(&select, true).await?;
            for chunk in objects.chunks(DESTROY_BATCH) {
                token.destroy(chunk).await?;
            }
            // A shared token may be allocated to another HSM at any moment: it stays open.
            let is_audit = self.0.audit.get().is_some_and(|audit| audit == serial);
            return if shared || is_audit || others() { Ok(()) } else { self.close(serial).await };
        }
        self.close(serial).await?;
        self.run_blocking(move |module, source| match source {
            TokenSource::SoftHsm { so_pin, .. } => module.wipe(&select, so_pin, FREE),
            TokenSource::Preinitialized { .. } => {
                Err(Error::internal("pre-initialized tokens are not reinitialized"))
            }
        })
        .await
    }

    /// Drains and closes a token.
    async fn close(&self, serial: &str) -> Result<()> {
        let token = self.0.state.lock().await.open.remove(serial);
        if let Some(token) = token
            && !token.drain(DRAIN_TIMEOUT).await
        {
            let milliseconds = u64::try_from(DRAIN_TIMEOUT.as_millis()).unwrap_or(u64::MAX);
            return Err(Error::TokenTimeout { milliseconds });
        }
        Ok(())
    }

    /// Finds a token.
    async fn find(&self, select: &Selector) -> Result<super::TokenInfo> {
        let select = select.clone();
        self.run_blocking(move |module, _| module.find(&select)).await
    }

    /// Lists the tokens of all slots. Not on a thread of the runtime: with worker processes it waits until calls that change a token
    /// have ended, and their answers need such a thread.
    async fn tokens(&self) -> Result<Vec<super::TokenInfo>> {
        self.run_blocking(|module, _| module.tokens()).await
    }

    /// Runs `call` on a blocking thread: initialization and login of tokens take time.
    async fn run_blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Module, &TokenSource) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.0);
        let called = tokio::task::spawn_blocking(move || call(&inner.module, &inner.source));
        called.await.unwrap_or_else(|error| Err(Error::internal(error)))
    }
}
