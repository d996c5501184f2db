//! A PKCS#11 module, loaded and initialized once per process, and its tokens.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, Weak};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error as WrapperError, RvError};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use secrecy::SecretString;

use super::capabilities::Capabilities;
use super::device::{self, Device};
use super::error::{Attempt, Failure};
use super::pool::FREE;
use super::profile::Profile;
use super::{Report, Settings, Token, probe};
use crate::model::{Error, Field, Result};

/// A PKCS#11 module. Each module is initialized at most once per process, as the standard requires.
#[derive(Clone)]
pub struct Module {
    loaded: Arc<LoadedModule>,
}

/// The state that all tokens of a module share.
pub(super) struct LoadedModule {
    pub(super) pkcs11: Pkcs11,
    pub(super) profile: Profile,
    /// The number of threads and logins that use the module; it must not be finalized before they end.
    users: AtomicUsize,
    state: Mutex<State>,
    /// Listing the slots takes the write lock, calls with a slot identifier the read lock. `C_GetSlotList` of SoftHSM
    /// adds slots to a map without locking it: a concurrent lookup finds no slot, a partial list, or crashes.
    slots: RwLock<()>,
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

/// The `CK_TOKEN_INFO` of a token, readable without a login.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenInfo {
    /// The serial number; with some modules, empty until the token is initialized.
    pub serial: String,
    /// The label.
    pub label: String,
    /// The manufacturer.
    pub manufacturer: String,
    /// The model.
    pub model: String,
    /// The firmware version.
    pub firmware: String,
    /// Whether it is initialized.
    pub initialized: bool,
    /// Whether it has a user PIN.
    pub has_user_pin: bool,
}

/// Selects a token. Slot numbers are not supported, because they change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selector {
    /// By serial number.
    Serial(String),
    /// By label.
    Label(String),
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(serial) => write!(f, "serial {serial}"),
            Self::Label(label) => write!(f, "label {label:?}"),
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
        let loaded = LoadedModule {
            pkcs11,
            profile,
            users: AtomicUsize::new(0),
            state: Mutex::default(),
            slots: RwLock::default(),
        };
        Ok(Self { loaded: Arc::new(loaded) })
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
        self.loaded.provision(label, so_pin, pin).map_err(|failure| self.loaded.explain(failure))
    }

    /// Reinitializes a token, which destroys all its objects and its user PIN.
    ///
    /// # Errors
    /// `TokenUnavailable` if there is no such token; `Internal` while it is open; else the error of the
    /// module.
    pub fn wipe(&self, select: &Selector, so_pin: &SecretString, label: &str) -> Result<()> {
        let wipe = || -> Attempt<()> {
            let state = self.loaded.state();
            let (slot, info) = self.loaded.select(select)?;
            state.reject_if_open(&info.serial)?;
            let _slots = self.loaded.lock_slots();
            Ok(self.loaded.pkcs11.init_token(slot, so_pin, label)?)
        };
        wipe().map_err(|failure| self.loaded.explain(failure))
    }

    /// Runs `act` while no token is being initialized or opened.
    pub(super) fn with_state_lock<T>(&self, act: impl FnOnce() -> T) -> T {
        let _state = self.loaded.state();
        act()
    }

    /// Logs in to a token, measures its capabilities, lists its objects, and starts its worker threads.
    ///
    /// # Errors
    /// `TokenUnavailable` if there is no such token, its PIN is rejected, or the expected sentinel is
    /// missing; `Internal` if it is already open: clone its handle instead.
    pub fn open(&self, select: &Selector, pin: &SecretString, settings: &Settings) -> Result<Token> {
        let mut state = self.loaded.state();
        if state.finalized {
            return Err(Error::TokenUnavailable { why: "the module was finalized".to_owned() });
        }
        let open = |state: &mut State| -> Attempt<Device> {
            let (session, device) = self.loaded.log_in(state, select, pin, settings)?;
            device.set_login(session)?;
            Ok(device)
        };
        let opened = open(&mut state).map_err(|failure| self.loaded.explain(failure))?;
        let device = Arc::new(opened);
        state.open.insert(device.info.serial.clone(), Arc::downgrade(&device));
        Token::start(device)
    }

    /// See [`super::examine`].
    pub(super) fn examine(&self, select: &Selector, pin: &SecretString) -> Result<Report> {
        let module = self.describe()?;
        let mut state = self.loaded.state();
        let settings = Settings { expect_sentinel: true, faults: None };
        let examine = |state: &mut State| -> Attempt<Report> {
            let (session, device) = self.loaded.log_in(state, select, pin, &settings)?;
            let opened_before = device.verify_sentinel(&session).is_ok();
            let unrecognized = device.scan(&session)?;
            Ok(Report {
                module,
                token: device.info.clone(),
                capabilities: device.capabilities.clone(),
                opened_before,
                keys: device.handles.len(),
                foreign: unrecognized.foreign,
                without_attributes: unrecognized.without_attributes,
            })
        };
        examine(&mut state).map_err(|failure| self.loaded.explain(failure))
    }

    /// Finalizes the module (`C_Finalize`) for all clones. Later calls have no effect.
    ///
    /// # Errors
    /// `Internal` while a token is open, because finalizing a module during a call crashes it. Drain all
    /// tokens first; if that fails, terminate the process without finalizing.
    pub fn finalize(self) -> Result<()> {
        let mut state = self.loaded.state();
        if state.finalized {
            // The process may have loaded the module again.
            return Ok(());
        }
        let users = self.loaded.users.load(Ordering::Acquire);
        if users > 0 {
            return Err(Error::internal(format!("the module is still used by {users} threads and logins")));
        }
        state.finalized = true;
        self.loaded.pkcs11.clone().finalize().map_err(|error| self.loaded.error(error))
    }
}

impl LoadedModule {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn explain(&self, failure: Failure) -> Error {
        failure.into_error(&self.profile.throttle)
    }

    fn error(&self, error: WrapperError) -> Error {
        self.explain(error.into())
    }

    /// Takes the read lock for calls with a slot identifier.
    fn lock_slots(&self) -> RwLockReadGuard<'_, ()> {
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

    fn tokens(&self) -> Attempt<Vec<(Slot, TokenInfo)>> {
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

    fn provision(&self, label: &str, so_pin: &SecretString, pin: &SecretString) -> Attempt<TokenInfo> {
        let _state = self.state();
        let tokens = self.tokens()?;
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
            let _slots = self.lock_slots();
            self.pkcs11.init_token(*slot, so_pin, label)?;
        }
        let session = self.session(*slot)?;
        session.login(UserType::So, Some(so_pin))?;
        session.init_pin(pin)?;
        session.close()?;
        self.token_info(*slot)
    }

    fn select(&self, select: &Selector) -> Attempt<(Slot, TokenInfo)> {
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

    /// Logs in to a token and measures its capabilities. The returned session holds the login.
    fn log_in(
        self: &Arc<Self>,
        state: &mut State,
        select: &Selector,
        pin: &SecretString,
        settings: &Settings,
    ) -> Attempt<(Session, Device)> {
        let (slot, info) = self.select(select)?;
        state.reject_if_open(&info.serial)?;
        let session = self.session(slot)?;
        device::log_in(&session, pin)?;
        let kind = format!("{}/{}/{}", info.manufacturer, info.model, info.firmware);
        let capabilities = match state.measured.get(&kind) {
            Some(known) => known.clone(),
            None => {
                let measured = probe::measure(&session);
                state.measured.insert(kind, measured.clone());
                measured
            }
        };
        let device = Device::new(Arc::clone(self), (slot, info), pin.clone(), capabilities, settings.clone());
        Ok((session, device))
    }
}

impl TokenInfo {
    fn read(pkcs11: &Pkcs11, slot: Slot) -> Attempt<Self> {
        let info = pkcs11.get_token_info(slot)?;
        Ok(Self {
            serial: info.serial_number().trim().to_owned(),
            label: info.label().trim_end().to_owned(),
            manufacturer: info.manufacturer_id().trim().to_owned(),
            model: info.model().trim().to_owned(),
            firmware: info.firmware_version().to_string(),
            initialized: info.token_initialized(),
            has_user_pin: info.user_pin_initialized(),
        })
    }
}
