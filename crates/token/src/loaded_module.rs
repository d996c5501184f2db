//! A loaded PKCS#11 module: its slots, and the count of those that use it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as WrapperError, RvError};
use cryptoki::session::Session;
use cryptoki::slot::Slot;

use super::error::{Attempt, Failure};
use super::profile::Profile;
use super::token_info::{Selector, TokenInfo};
use crate::model::{Error, Result};

/// A loaded module, which all its tokens share.
pub(super) struct LoadedModule {
    pub(super) pkcs11: Pkcs11,
    pub(super) profile: Profile,
    /// The number of threads and logins that use the module; it must not be finalized before they end.
    users: AtomicUsize,
    /// Listing the slots takes the write lock, calls with a slot identifier the read lock. `C_GetSlotList` of SoftHSM
    /// adds slots to a map without locking it: a concurrent lookup finds no slot, a partial list, or crashes.
    slots: RwLock<()>,
}

/// A use of the module, counted until it is dropped. Each caller of the module's functions holds one, and
/// drops it after the last session that it owns.
pub(super) struct ModuleUse(Arc<LoadedModule>);

impl ModuleUse {
    pub(super) fn of(loaded: &Arc<LoadedModule>) -> Self {
        loaded.users.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(loaded))
    }
}

impl Drop for ModuleUse {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::AcqRel);
    }
}

impl LoadedModule {
    /// Loads and initializes a module.
    ///
    /// # Errors
    /// As [`super::Module::load`].
    pub(super) fn load(path: &Path, profile: Profile) -> Result<Self> {
        let load = || -> Attempt<Pkcs11> {
            let pkcs11 = Pkcs11::new(path)?;
            pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
            Ok(pkcs11)
        };
        let pkcs11 = load().map_err(|failure| match failure {
            Failure::ReturnCode(RvError::CryptokiAlreadyInitialized, _) => {
                Error::internal("the module is already loaded; a process can load it once")
            }
            failure => failure.into_error(&profile.throttle),
        })?;
        Ok(Self { pkcs11, profile, users: AtomicUsize::new(0), slots: RwLock::default() })
    }

    /// The number of threads and logins that use the module.
    pub(super) fn users(&self) -> usize {
        self.users.load(Ordering::Acquire)
    }

    /// The error of the caller for a failure.
    pub(super) fn explain(&self, failure: Failure) -> Error {
        failure.into_error(&self.profile.throttle)
    }

    /// The error of the caller for an error of the wrapper.
    pub(super) fn error(&self, error: WrapperError) -> Error {
        self.explain(error.into())
    }

    /// Takes the read lock for calls with a slot identifier.
    pub(super) fn lock_slots(&self) -> RwLockReadGuard<'_, ()> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the `CK_TOKEN_INFO` of the token in a slot.
    pub(super) fn token_info(&self, slot: Slot) -> Attempt<TokenInfo> {
        let _slots = self.lock_slots();
        TokenInfo::read(&self.pkcs11, slot)
    }

    /// Opens a read/write session.
    pub(super) fn session(&self, slot: Slot) -> Attempt<Session> {
        let _slots = self.lock_slots();
        Ok(self.pkcs11.open_rw_session(slot)?)
    }

    /// Lists the tokens of all slots, with their slots.
    pub(super) fn tokens(&self) -> Attempt<Vec<(Slot, TokenInfo)>> {
        let slots = {
            let _listing = self.slots.write().unwrap_or_else(PoisonError::into_inner);
            self.pkcs11.get_slots_with_token()?
        };
        Ok(slots
            .into_iter()
            .filter_map(|slot| match self.token_info(slot) {
                Ok(info) => Some((slot, info)),
                // A failing token must not hide the others.
                Err(failure) => {
                    tracing::warn!(
                        slot = slot.id(),
                        ?failure,
                        "the token information of a slot is unreadable"
                    );
                    None
                }
            })
            .collect())
    }

    /// Finds the selected token and its slot.
    pub(super) fn select(&self, select: &Selector) -> Attempt<(Slot, TokenInfo)> {
        let wanted = |info: &TokenInfo| match select {
            Selector::Serial(serial) => info.serial == *serial,
            Selector::Label(label) => info.label == *label,
        };
        let mut found = self.tokens()?.into_iter().filter(|(_, info)| info.initialized && wanted(info));
        let unavailable = |why: &str| Error::TokenUnavailable { why: format!("{why} with {select}") };
        let token = found.next().ok_or_else(|| unavailable("there is no token"))?;
        match found.next() {
            None => Ok(token),
            Some(_) => Err(unavailable("there are several tokens").into()),
        }
    }
}
