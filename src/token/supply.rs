//! Where the tokens of managed HSMs come from, and where they go back to.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::SecretString;
use tokio::sync::Mutex;

use super::softhsm::Directory;
use super::{Module, Selector, Settings, Token};
use crate::model::name::VersionId;
use crate::model::{Error, Result};

/// The label of a token that was given back: wiped, without a PIN, and free to be taken.
pub(super) const FREE: &str = "strongroom-free";

/// The label of the token that a simulator keeps the key of its audit log in. No HSM can have this name.
const AUDIT: &str = "strongroom:audit";

/// How long calls that are under way may take to end before a token is wiped.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many keys are destroyed by one call: each call has its own time limit.
const CHUNK: usize = 64;

/// The tokens there are for managed HSMs. A cheap handle.
#[derive(Clone)]
pub struct Supply(Arc<Inner>);

struct Inner {
    module: Module,
    source: Source,
    held: Mutex<Held>,
    /// The serial number of the token that signs the audit log: it stays open when no HSM uses it.
    audit: OnceLock<String>,
}

/// What is known of the tokens in use.
#[derive(Default)]
struct Held {
    /// Those that are logged in to, by serial number.
    open: HashMap<String, Token>,
    /// The serial numbers of those that were taken for HSMs that are not on record yet, by label: without this, two
    /// HSMs that are made at once would get the same one.
    reserved: HashMap<String, String>,
}

/// Who has a claim to tokens, by what is on record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Claims {
    /// The labels of the HSMs that are being made: what is reserved for them stays reserved.
    pub pending: Vec<String>,
    /// The serial numbers of the tokens that HSMs have. To be read after `pending`, so that an HSM that is recorded
    /// in between is seen in one of the two.
    pub in_use: Vec<String>,
}

/// What kind of tokens they are.
pub enum Source {
    /// SoftHSM: made on the fly, one for each HSM, and wiped whole.
    SoftHsm {
        /// Where they are.
        directory: Directory,
        /// Their user PIN.
        pin: SecretString,
        /// Their security officer's PIN.
        so_pin: SecretString,
    },
    /// Partitions of a device that somebody else has initialized.
    Pool {
        /// Those that may be taken for new HSMs.
        tokens: Vec<Selector>,
        /// Whether several HSMs may have their keys in one of them.
        shared: bool,
        /// Their user PIN.
        pin: SecretString,
    },
}

impl Source {
    fn pin(&self) -> &SecretString {
        match self {
            Self::SoftHsm { pin, .. } | Self::Pool { pin, .. } => pin,
        }
    }
}

impl Supply {
    /// The tokens of a module.
    pub fn new(module: Module, source: Source) -> Self {
        Self(Arc::new(Inner { module, source, held: Mutex::default(), audit: OnceLock::new() }))
    }

    /// Opens a token, or gives the handle of one that is open. `known` says that it holds keys of
    /// ours, so that an empty one is not believed.
    ///
    /// # Errors
    /// As [`Module::open`].
    pub async fn open(&self, select: &Selector, known: bool) -> Result<Token> {
        let mut held = self.0.held.lock().await;
        let info = self.0.module.find(select)?;
        if let Some(token) = held.open.get(&info.serial) {
            return Ok(token.clone());
        }
        let settings = Settings { expect_sentinel: known, faults: None };
        let (serial, pin) = (Selector::Serial(info.serial.clone()), self.0.source.pin().clone());
        let token = self.away(move |module, _| module.open(&serial, &pin, &settings)).await?;
        held.open.insert(info.serial, token.clone());
        Ok(token)
    }

    /// Opens the token that signs the audit log: the one that is chosen, or SoftHSM's own for the purpose, which is made
    /// if it is not there. `known` are the serial numbers of tokens that hold keys of ours.
    ///
    /// # Errors
    /// As [`Module::provision`] and [`Module::open`].
    pub async fn open_audit(&self, chosen: Option<&Selector>, known: &[String]) -> Result<Token> {
        let serial = match (&self.0.source, chosen) {
            (Source::Pool { .. }, Some(chosen)) => self.0.module.find(chosen)?.serial,
            (Source::Pool { .. }, None) => {
                return Err(Error::invalid("audit.token", "no token is named that signs the audit log"));
            }
            (Source::SoftHsm { .. }, _) => {
                let mut tokens = self.0.module.tokens()?.into_iter();
                let is_made = |token: &super::TokenInfo| {
                    token.initialized && token.has_user_pin && token.label == AUDIT
                };
                match tokens.find(is_made) {
                    Some(token) => token.serial,
                    None => self.make_audit().await?.serial,
                }
            }
        };
        let token = self.open(&Selector::Serial(serial.clone()), known.contains(&serial)).await?;
        let _ = self.0.audit.set(serial);
        Ok(token)
    }

    async fn make_audit(&self) -> Result<super::TokenInfo> {
        self.away(|module, source| match source {
            Source::SoftHsm { directory, pin, so_pin } => directory.provision(module, AUDIT, so_pin, pin),
            Source::Pool { .. } => Err(Error::internal("a pool makes no tokens")),
        })
        .await
    }

    /// Takes a token for a new HSM; what an interrupted attempt left under this label is used again. Nobody else gets
    /// the token while the HSM is pending or has it in use, by `claims`, which is asked under the supply's lock.
    ///
    /// # Errors
    /// `TokenPoolExhausted` where none is free; else as [`Module::provision`] and [`Module::open`].
    pub async fn take(&self, label: &str, claims: impl Fn() -> Claims + Send + Sync) -> Result<Token> {
        match &self.0.source {
            Source::SoftHsm { .. } => {
                self.withdraw(label, || claims().in_use).await?;
                let label = label.to_owned();
                let made = self.away(move |module, source| match source {
                    Source::SoftHsm { directory, pin, so_pin } => {
                        directory.provision(module, &label, so_pin, pin)
                    }
                    Source::Pool { .. } => Err(Error::internal("a pool makes no tokens")),
                });
                let made = made.await?;
                self.open(&Selector::Serial(made.serial), false).await
            }
            Source::Pool { tokens, shared, .. } => {
                let (serial, known) = self.reserve(label, tokens, *shared, claims).await?;
                self.open(&Selector::Serial(serial), known).await
            }
        }
    }

    /// Reserves a token of a pool; tells its serial number, and whether an HSM on record has its keys in it.
    async fn reserve(
        &self,
        label: &str,
        tokens: &[Selector],
        shared: bool,
        claims: impl Fn() -> Claims + Send + Sync,
    ) -> Result<(String, bool)> {
        let mut held = self.0.held.lock().await;
        let Claims { pending, in_use } = claims();
        held.reserved.retain(|other, _| other != label && pending.contains(other));
        for select in tokens {
            let serial = self.0.module.find(select)?.serial;
            let known = in_use.contains(&serial);
            if shared || !(known || held.reserved.values().any(|reserved| *reserved == serial)) {
                held.reserved.insert(label.to_owned(), serial.clone());
                return Ok((serial, known));
            }
        }
        Err(Error::TokenPoolExhausted { tokens: tokens.len() })
    }

    /// Undoes [`take`](Self::take) for an HSM that did not come about.
    ///
    /// # Errors
    /// What the module answers.
    pub async fn withdraw(&self, label: &str, in_use: impl Fn() -> Vec<String> + Send + Sync) -> Result<()> {
        if let Source::Pool { .. } = self.0.source {
            // Nothing was made in it.
            return Ok(());
        }
        let in_use = in_use();
        let left = |token: &super::TokenInfo| {
            token.initialized && token.label == label && !in_use.contains(&token.serial)
        };
        for token in self.0.module.tokens()?.into_iter().filter(left) {
            self.give_back(&token.serial, &[], || false).await?;
        }
        Ok(())
    }

    /// Takes a token back from an HSM that is gone, and destroys what the HSM had in it. A token that
    /// nobody else uses, which `others` tells, is wiped whole where that can be done. One that is not there any more
    /// is fine.
    ///
    /// # Errors
    /// `TokenTimeout` where calls do not end; what the module answers. Then it can be tried again.
    pub async fn give_back(
        &self,
        serial: &str,
        objects: &[VersionId],
        others: impl Fn() -> bool + Send,
    ) -> Result<()> {
        let select = Selector::Serial(serial.to_owned());
        if !self.0.module.tokens()?.iter().any(|token| token.serial == serial) {
            return Ok(());
        }
        if let Source::Pool { shared, .. } = self.0.source {
            let token = self.open(&select, true).await?;
            for chunk in objects.chunks(CHUNK) {
                token.destroy(chunk).await?;
            }
            // One that is shared may be taken for another HSM at any moment: it stays open.
            let is_audit = self.0.audit.get().is_some_and(|audit| audit == serial);
            return if shared || is_audit || others() { Ok(()) } else { self.close(serial).await };
        }
        self.close(serial).await?;
        self.away(move |module, source| match source {
            Source::SoftHsm { directory, so_pin, .. } => {
                module.wipe(&select, so_pin, FREE)?;
                directory.keep_copies(module)
            }
            Source::Pool { .. } => Err(Error::internal("the tokens of a pool are not initialized")),
        })
        .await
    }

    /// Ends the use of a token.
    async fn close(&self, serial: &str) -> Result<()> {
        let token = self.0.held.lock().await.open.remove(serial);
        if let Some(token) = token
            && !token.drain(PATIENCE).await
        {
            let milliseconds = u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX);
            return Err(Error::TokenTimeout { milliseconds });
        }
        Ok(())
    }

    /// Calls the module away from the runtime's threads: making and logging in take a moment.
    async fn away<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Module, &Source) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.0);
        let called = tokio::task::spawn_blocking(move || call(&inner.module, &inner.source));
        called.await.unwrap_or_else(|error| Err(Error::internal(error)))
    }
}
