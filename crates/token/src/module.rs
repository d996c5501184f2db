//! A PKCS#11 module, loaded and initialized once per process, and its tokens.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use secrecy::SecretString;

use super::capabilities::Capabilities;
use super::device::Device;
use super::error::Attempt;
use super::loaded_module::LoadedModule;
use super::profile::Profile;
use super::token_info::{Selector, TokenInfo};
use super::{Settings, Token, login, probe};
use crate::model::{Error, Field, Result};

/// The label of a released token: reinitialized, without a user PIN, and available for allocation.
pub(super) const FREE: &str = "strongroom-free";

/// A PKCS#11 module. Each module is initialized at most once per process, as the standard requires.
#[derive(Clone)]
pub struct Module {
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

impl Module {
    /// Loads and initializes a module.
    ///
    /// Environment variables that the module reads must be set before: see [`super::softhsm`].
    ///
    /// # Errors
    /// `TokenUnavailable` if it cannot be loaded; `Internal` if it is already loaded; `TokenFailed` if
    /// `C_Initialize` fails.
    pub fn load(path: &Path, profile: Profile) -> Result<Self> {
        Ok(Self { loaded: Arc::new(LoadedModule::load(path, profile)?), state: Arc::default() })
    }

    /// The module's description, manufacturer and versions (`C_GetInfo`).
    ///
    /// # Errors
    /// The error of the module.
    pub fn describe(&self) -> Result<String> {
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
    pub fn tokens(&self) -> Result<Vec<TokenInfo>> {
        let tokens = self.loaded.tokens().map_err(|failure| self.loaded.explain(failure))?;
        Ok(tokens.into_iter().map(|(_, info)| info).collect())
    }

    /// Finds the selected token, without a login.
    ///
    /// # Errors
    /// `TokenUnavailable` if no token, or more than one, matches.
    pub fn find(&self, select: &Selector) -> Result<TokenInfo> {
        self.loaded.select(select).map(|(_, info)| info).map_err(|failure| self.loaded.explain(failure))
    }

    /// Initializes a free token and sets its user PIN. A token with this label but without a user PIN is
    /// left from an interrupted call, and is initialized again.
    ///
    /// # Errors
    /// `Invalid` naming `label` if a token has this label; `Unsupported` if no token is free.
    pub fn provision(&self, label: &str, so_pin: &SecretString, pin: &SecretString) -> Result<TokenInfo> {
        if label.is_empty() || label.len() > 32 {
            return Err(Error::invalid(Field::Label, "a token's label has 1 to 32 bytes"));
        }
        self.provision_free(label, so_pin, pin).map_err(|failure| self.loaded.explain(failure))
    }

    /// Reinitializes a token, which destroys all its objects and its user PIN.
    ///
    /// # Errors
    /// `TokenUnavailable` if there is no such token; `Internal` while it is open; else the error of the
    /// module.
    pub fn wipe(&self, select: &Selector, so_pin: &SecretString, label: &str) -> Result<()> {
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
    pub(super) fn with_state_lock<T>(&self, act: impl FnOnce() -> T) -> T {
        let _state = self.state();
        act()
    }

    /// Logs in to a token, measures its capabilities, lists its objects, and starts its worker threads.
    ///
    /// # Errors
    /// `TokenUnavailable` if there is no such token, its PIN is rejected, or the expected sentinel is
    /// missing; `Internal` if it is already open: clone its handle instead.
    pub fn open(&self, select: &Selector, pin: &SecretString, settings: &Settings) -> Result<Token> {
        let mut state = self.state();
        if state.finalized {
            return Err(Error::TokenUnavailable { why: "the module was finalized".to_owned() });
        }
        let open = |state: &mut State| -> Attempt<Device> {
            let (session, device) = self.log_in(state, select, pin, settings)?;
            device.set_login(session)?;
            Ok(device)
        };
        let opened = open(&mut state).map_err(|failure| self.loaded.explain(failure))?;
        let device = Arc::new(opened);
        state.open.insert(device.info.serial.clone(), Arc::downgrade(&device));
        Token::start(device)
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
            let (session, device) = self.log_in(state, select, pin, settings)?;
            act(&session, &device)
        };
        run(&mut state).map_err(|failure| self.loaded.explain(failure))
    }

    /// Finalizes the module (`C_Finalize`) for all clones. Later calls have no effect.
    ///
    /// # Errors
    /// `Internal` while a token is open, because finalizing a module during a call crashes it. Drain all
    /// tokens first; if that fails, terminate the process without finalizing.
    pub fn finalize(self) -> Result<()> {
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
        settings: &Settings,
    ) -> Attempt<(Session, Device)> {
        let (slot, info) = self.loaded.select(select)?;
        state.reject_if_open(&info.serial)?;
        let session = self.loaded.session(slot)?;
        login::log_in(&session, pin)?;
        let kind = format!("{}/{}/{}", info.manufacturer, info.model, info.firmware);
        let capabilities = match state.measured.get(&kind) {
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
