//! A PKCS#11 module that this process has loaded, and its tokens. It is initialized once per process.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use secrecy::SecretString;

use super::capabilities::Capabilities;
use super::device::Device;
use super::error::{Attempt, Failure};
use super::loaded_module::LoadedModule;
use super::profile::Profile;
use super::token_info::{Selector, TokenInfo};
use super::{Settings, login, probe};
use crate::model::{Error, Field, Result};

/// The label of a released token: reinitialized, without a user PIN, and available for allocation.
pub(crate) const FREE: &str = "strongroom-free";

/// A loaded module. Each module is initialized at most once per process, as the standard requires.
#[derive(Clone)]
pub(crate) struct LocalModule {
    loaded: Arc<LoadedModule>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    finalized: bool,
    /// Open tokens by serial number.
    open: HashMap<String, Weak<Device>>,
    /// Measured capabilities by manufacturer, model and firmware: each kind of token is measured once.
    measured: HashMap<String, Capabilities>,
}

impl State {
    fn reject_if_open(&self, serial: &str) -> Result<()> {
        match self.open.get(serial).and_then(Weak::upgrade) {
            Some(device) if device.is_open() => {
                Err(Error::internal(format!("token {serial} is already open")))
            }
            _ => Ok(()),
        }
    }
}

impl LocalModule {
    /// Loads and initializes a module.
    ///
    /// Environment variables that the module reads must be set before: see [`super::softhsm`].
    ///
    /// # Errors
    /// `TokenUnavailable` if it cannot be loaded; `Internal` if it is already loaded; `TokenFailed` if
    /// `C_Initialize` fails.
    pub(crate) fn load(path: &Path, profile: Profile) -> Result<Self> {
        Ok(Self { loaded: Arc::new(LoadedModule::load(path, profile)?), state: Arc::default() })
    }

    /// The module's description, manufacturer and versions (`C_GetInfo`).
    ///
    /// # Errors
    /// The error of the module.
    pub(crate) fn describe(&self) -> Result<String> {
        let info = self.loaded.pkcs11.get_library_info().map_err(|error| self.loaded.error(error))?;
        let (version, standard) = (info.library_version(), info.cryptoki_version());
        Ok(format!(
            "{} ({}) {version}, PKCS#11 {standard}",
            info.library_description().trim(),
            info.manufacturer_id().trim()
        ))
    }

    /// Lists the tokens of all slots.
    ///
    /// # Errors
    /// The error of the module.
    pub(crate) fn tokens(&self) -> Result<Vec<TokenInfo>> {
        let tokens = self.loaded.tokens().map_err(|failure| self.loaded.explain(failure))?;
        Ok(tokens.into_iter().map(|(_, info)| info).collect())
    }

    /// Finds the selected token, without a login.
    ///
    /// # Errors
    /// `TokenUnavailable` if no token, or more than one, matches.
    pub(crate) fn find(&self, select: &Selector) -> Result<TokenInfo> {
        self.loaded.select(select).map(|(_, info)| info).map_err(|failure| self.loaded.explain(failure))
    }

    /// Initializes a free token and sets its user PIN. A token with this label but without a user PIN is
    /// left from an interrupted call, and is initialized again.
    ///
    /// # Errors
    /// `Invalid` naming `label` if a token has this label; `Unsupported` if no token is free.
    pub(crate) fn provision(
        &self,
        label: &str,
        so_pin: &SecretString,
        pin: &SecretString,
    ) -> Result<TokenInfo> {
        self.provision_free(label, so_pin, pin).map_err(|failure| self.loaded.explain(failure))
    }

    /// Reinitializes a token, which destroys all its objects and its user PIN.
    ///
    /// # Errors
    /// `TokenUnavailable` if there is no such token; `Internal` while it is open; else the error of the
    /// module.
    pub(crate) fn wipe(&self, select: &Selector, so_pin: &SecretString, label: &str) -> Result<()> {
        let wipe = || -> Attempt<()> {
            let state = self.state();
            let (slot, info) = self.loaded.select(select)?;
            state.reject_if_open(&info.serial)?;
            let _slots = self.loaded.lock_slots();
            Ok(self.loaded.pkcs11.init_token(slot, so_pin, label)?)
        };
        wipe().map_err(|failure| self.loaded.explain(failure))
    }

    /// Runs `act` while no token is being initialized or opened.
    pub(crate) fn with_state_lock<T>(&self, act: impl FnOnce() -> T) -> T {
        let _state = self.state();
        act()
    }

    /// Logs in to a token, measures its capabilities unless they are known, and lists its objects.
    ///
    /// # Errors
    /// `TokenUnavailable` if there is no such token, its PIN is rejected, or the expected sentinel is
    /// missing; `Internal` if it is already open.
    pub(crate) fn open(
        &self,
        select: &Selector,
        pin: &SecretString,
        settings: &Settings,
        known: Option<Capabilities>,
    ) -> Attempt<Arc<Device>> {
        let mut state = self.state();
        if state.finalized {
            return Err(Error::TokenUnavailable { why: "the module was finalized".to_owned() }.into());
        }
        let (session, device) = self.log_in(&mut state, select, pin, (settings, known))?;
        device.set_login(session)?;
        let device = Arc::new(device);
        state.open.insert(device.info.serial.clone(), Arc::downgrade(&device));
        Ok(device)
    }

    /// The loaded module.
    pub(super) fn loaded(&self) -> &LoadedModule {
        &self.loaded
    }

    /// The error of the caller for a failure.
    pub(crate) fn explain(&self, failure: Failure) -> Error {
        self.loaded.explain(failure)
    }

    /// Runs `act` with a login that ends afterwards.
    ///
    /// # Errors
    /// As [`Self::open`], and those of `act`.
    pub(super) fn with_login<T>(
        &self,
        select: &Selector,
        pin: &SecretString,
        settings: &Settings,
        act: impl FnOnce(&Session, &Device) -> Attempt<T>,
    ) -> Result<T> {
        let mut state = self.state();
        let run = |state: &mut State| -> Attempt<T> {
            let (session, device) = self.log_in(state, select, pin, (settings, None))?;
            act(&session, &device)
        };
        run(&mut state).map_err(|failure| self.loaded.explain(failure))
    }

    /// Finalizes the module (`C_Finalize`) for all clones. Later calls have no effect.
    ///
    /// # Errors
    /// `Internal` while a token is open, because finalizing a module during a call crashes it. Drain all
    /// tokens first; if that fails, terminate the process without finalizing.
    pub(crate) fn finalize(self) -> Result<()> {
        let mut state = self.state();
        if state.finalized {
            // The process may have loaded the module again.
            return Ok(());
        }
        let users = self.loaded.users();
        if users > 0 {
            return Err(Error::internal(format!("the module is still used by {users} threads and logins")));
        }
        state.finalized = true;
        self.loaded.pkcs11.clone().finalize().map_err(|error| self.loaded.error(error))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn provision_free(&self, label: &str, so_pin: &SecretString, pin: &SecretString) -> Attempt<TokenInfo> {
        let _state = self.state();
        let tokens = self.loaded.tokens()?;
        if tokens.iter().any(|(_, info)| info.initialized && info.has_user_pin && info.label == label) {
            return Err(
                Error::invalid(Field::Label, format!("a token with label {label:?} already exists")).into()
            );
        }
        let free = |(_, info): &&(Slot, TokenInfo)| {
            !info.initialized || !info.has_user_pin && [label, FREE].contains(&info.label.as_str())
        };
        let (slot, _) = tokens.iter().find(free).ok_or_else(|| Error::Unsupported {
            what: "the module has no free token; initialize one and configure its name".to_owned(),
        })?;
        {
            let _slots = self.loaded.lock_slots();
            self.loaded.pkcs11.init_token(*slot, so_pin, label)?;
        }
        let session = self.loaded.session(*slot)?;
        session.login(UserType::So, Some(so_pin))?;
        session.init_pin(pin)?;
        session.close()?;
        self.loaded.token_info(*slot)
    }

    /// Logs in to a token and measures its capabilities. The returned session holds the login.
    fn log_in(
        &self,
        state: &mut State,
        select: &Selector,
        pin: &SecretString,
        (settings, known): (&Settings, Option<Capabilities>),
    ) -> Attempt<(Session, Device)> {
        let (slot, info) = self.loaded.select(select)?;
        state.reject_if_open(&info.serial)?;
        let session = self.loaded.session(slot)?;
        login::log_in(&session, pin)?;
        let kind = format!("{}/{}/{}", info.manufacturer, info.model, info.firmware);
        let capabilities = match known.as_ref().or_else(|| state.measured.get(&kind)) {
            Some(known) => known.clone(),
            None => {
                let measured = probe::measure(&session);
                state.measured.insert(kind, measured.clone());
                measured
            }
        };
        let device =
            Device::new(Arc::clone(&self.loaded), (slot, info), pin.clone(), capabilities, settings.clone());
        Ok((session, device))
    }
}
