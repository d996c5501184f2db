//! The login to a token: held open by a session of its own, and renewed if the token loses it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cryptoki::error::{Error as WrapperError, RvError};
use cryptoki::session::{Session, UserType};
use secrecy::SecretString;

use super::error::Attempt;
use super::loaded_module::{LoadedModule, ModuleUse};
use crate::model::Error;

/// The login of the user to one token.
pub(super) struct Login {
    pin: Mutex<SecretString>,
    session: Mutex<Option<LoginSession>>,
    /// Incremented at each login, so that a thread detects a login by another thread.
    generation: AtomicU64,
    /// Incremented before each login, so that a thread detects that it may have searched without one.
    renewals: AtomicU64,
    /// Set when the PIN is rejected. Tokens lock after a few wrong PINs, so login is not retried.
    pin_rejected: AtomicBool,
    /// Whether the service decides when this process logs in again.
    is_commanded: AtomicBool,
}

/// The session that holds the login and is not used otherwise. It stays open as long as the token: a token
/// drops the login, and every private object handle, when its last session closes.
struct LoginSession {
    // Field order matters: the session is closed before the use count is decremented.
    _session: Session,
    _user: ModuleUse,
}

impl Login {
    /// A login that is not open yet.
    pub(super) const fn new(pin: SecretString) -> Self {
        Self {
            pin: Mutex::new(pin),
            session: Mutex::new(None),
            generation: AtomicU64::new(1),
            renewals: AtomicU64::new(0),
            pin_rejected: AtomicBool::new(false),
            is_commanded: AtomicBool::new(false),
        }
    }

    /// Takes ownership of a session that is logged in.
    pub(super) fn hold(&self, session: Session, loaded: &Arc<LoadedModule>) {
        *self.lock() = Some(LoginSession { _session: session, _user: ModuleUse::of(loaded) });
    }

    /// The generation of the current login.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The number of times that a login was begun after the first one.
    pub(super) fn renewals(&self) -> u64 {
        self.renewals.load(Ordering::Acquire)
    }

    /// Logs in again, unless another thread has done so since generation `seen`: opens a session, logs in, and runs
    /// `prepare` before other threads see the new login.
    ///
    /// # Errors
    /// `TokenUnavailable` if the PIN was rejected before; else those of the module and of `prepare`.
    pub(super) fn renew(
        &self,
        seen: u64,
        loaded: &Arc<LoadedModule>,
        open: impl FnOnce() -> Attempt<Session>,
        prepare: impl FnOnce(&Session) -> Attempt<()>,
    ) -> Attempt<()> {
        let mut held = self.lock();
        if self.generation() != seen {
            return Ok(());
        }
        if self.pin_rejected.load(Ordering::Relaxed) {
            return Err(Error::TokenUnavailable { why: "the PIN was rejected before".to_owned() }.into());
        }
        self.renewals.fetch_add(1, Ordering::AcqRel);
        // Opened before the old session is closed, so that the login does not end in between.
        let session = open()?;
        let pin = self.pin.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Err(failure) = log_in(&session, &pin) {
            if failure.is_pin_rejection() {
                self.pin_rejected.store(true, Ordering::Relaxed);
            }
            return Err(failure);
        }
        prepare(&session)?;
        *held = Some(LoginSession { _session: session, _user: ModuleUse::of(loaded) });
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Uses another PIN for the next login, which may be tried again.
    pub(super) fn replace_pin(&self, pin: SecretString) {
        *self.pin.lock().unwrap_or_else(PoisonError::into_inner) = pin;
        self.pin_rejected.store(false, Ordering::Relaxed);
    }

    /// Leaves it to the service when to log in again: of several processes that have lost their login, the first finds out
    /// whether the PIN is rejected.
    pub(super) fn set_commanded(&self) {
        self.is_commanded.store(true, Ordering::Relaxed);
    }

    /// Whether the service decides when to log in again.
    pub(super) fn is_commanded(&self) -> bool {
        self.is_commanded.load(Ordering::Relaxed)
    }

    /// Ends the login.
    pub(super) fn end(&self) {
        *self.lock() = None;
    }

    /// Whether the login is open.
    pub(super) fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<LoginSession>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Logs in. An existing login of this process counts, although it does not verify this PIN.
pub(super) fn log_in(session: &Session, pin: &SecretString) -> Attempt<()> {
    match session.login(UserType::User, Some(pin)) {
        Err(WrapperError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        result => Ok(result?),
    }
}
