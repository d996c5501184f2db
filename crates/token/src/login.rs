//! The login to a token: held open by a session of its own, and renewed if the token loses it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cryptoki::error::{Error as WrapperError, RvError};
use cryptoki::session::{Session, UserType};
use secrecy::SecretString;

use super::error::{Attempt, Failure};
use super::loaded_module::{LoadedModule, ModuleUse};
use crate::model::Error;

/// The login of the user to one token.
pub(super) struct Login {
    pin: Mutex<SecretString>,
    session: Mutex<Option<LoginSession>>,
    /// Incremented at each login, so that a thread detects a login by another thread.
    generation: AtomicU64,
    /// Set when the PIN is rejected. Tokens lock after a few wrong PINs, so login is not retried.
    pin_rejected: AtomicBool,
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
            pin_rejected: AtomicBool::new(false),
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
        // Opened before the old session is closed, so that the login does not end in between.
        let session = open()?;
        let pin = self.pin.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Err(failure) = log_in(&session, &pin) {
            if matches!(failure, Failure::ReturnCode(RvError::PinIncorrect | RvError::PinLocked, _)) {
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
