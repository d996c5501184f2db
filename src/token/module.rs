//! A PKCS#11 module: loaded and initialized once in a process, with its tokens.

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
use super::profile::Profile;
use super::supply::FREE;
use super::{Report, Settings, Token, probe};
use crate::model::{Error, Result};

/// A PKCS#11 module. One for a process: the standard knows no more.
#[derive(Clone)]
pub struct Module {
    loaded: Arc<Loaded>,
}

/// What all tokens of a module share.
pub(super) struct Loaded {
    pub(super) pkcs11: Pkcs11,
    pub(super) profile: Profile,
    /// Threads and logins; the module must not be finalized under them.
    users: AtomicUsize,
    state: Mutex<State>,
    /// Whoever lists the slots writes, whoever names one reads. SoftHSM adds a slot while it tells how many there
    /// are, to a map that no lock of its own guards: a thread that looks into it then finds no slot, half a list, or
    /// crashes.
    slots: RwLock<()>,
}

#[derive(Default)]
struct State {
    finalized: bool,
    /// Opened tokens by their serial number.
    open: HashMap<String, Weak<Device>>,
    /// What was measured, by manufacturer, model and firmware: a kind of token is measured once.
    measured: HashMap<String, Capabilities>,
}

impl State {
    fn refuse_open(&self, serial: &str) -> Result<()> {
        match self.open.get(serial).and_then(Weak::upgrade) {
            Some(device) if device.is_open() => {
                Err(Error::internal(format!("token {serial} is open already")))
            }
            _ => Ok(()),
        }
    }
}

/// Counts as a user of the module, from its making to its end. Whoever calls the module's functions
/// holds one, and drops it after the last session it owns.
pub(super) struct User(Arc<Loaded>);

impl User {
    pub(super) fn of(loaded: &Arc<Loaded>) -> Self {
        loaded.users.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(loaded))
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A token, as the module shows it to those who are not logged in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenInfo {
    /// The serial number; empty while uninitialized, with some modules.
    pub serial: String,
    /// The label.
    pub label: String,
    /// Who made it.
    pub manufacturer: String,
    /// What it is.
    pub model: String,
    /// The firmware's version.
    pub firmware: String,
    /// Whether it was initialized.
    pub initialized: bool,
    /// Whether it has a user PIN.
    pub has_user_pin: bool,
}

/// How a token is chosen. Never by slot number: those change.
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
    /// What the module reads from the environment must be there before: see [`super::softhsm`].
    ///
    /// # Errors
    /// `TokenUnavailable` where it cannot be loaded or was loaded before; `TokenFailed` where it
    /// does not start.
    pub fn load(path: &Path, profile: Profile) -> Result<Self> {
        let load = || -> Attempt<Pkcs11> {
            let pkcs11 = Pkcs11::new(path)?;
            pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
            Ok(pkcs11)
        };
        let pkcs11 = load().map_err(|failure| match failure {
            Failure::Refused(RvError::CryptokiAlreadyInitialized, _) => {
                Error::internal("the module is loaded already; it can be loaded once in a process")
            }
            failure => failure.into_error(&profile.throttle),
        })?;
        let loaded = Loaded {
            pkcs11,
            profile,
            users: AtomicUsize::new(0),
            state: Mutex::default(),
            slots: RwLock::default(),
        };
        Ok(Self { loaded: Arc::new(loaded) })
    }

    /// Who made the module, and its version.
    ///
    /// # Errors
    /// What the module answers.
    pub fn describe(&self) -> Result<String> {
        let info = self.loaded.pkcs11.get_library_info().map_err(|error| self.loaded.error(error))?;
        let (version, standard) = (info.library_version(), info.cryptoki_version());
        Ok(format!(
            "{} ({}) {version}, PKCS#11 {standard}",
            info.library_description().trim(),
            info.manufacturer_id().trim()
        ))
    }

    /// The tokens there are.
    ///
    /// # Errors
    /// What the module answers.
    pub fn tokens(&self) -> Result<Vec<TokenInfo>> {
        let tokens = self.loaded.tokens().map_err(|failure| self.loaded.explain(failure))?;
        Ok(tokens.into_iter().map(|(_, info)| info).collect())
    }

    /// The token that is meant. Nobody logs in.
    ///
    /// # Errors
    /// `TokenUnavailable` where there is none, or more than one.
    pub fn find(&self, select: &Selector) -> Result<TokenInfo> {
        self.loaded.select(select).map(|(_, info)| info).map_err(|failure| self.loaded.explain(failure))
    }

    /// Initializes a free token and gives it a user PIN. One with this label but without a PIN is
    /// what an interrupted call left behind, and is initialized again.
    ///
    /// # Errors
    /// `Invalid` naming `label` where there is a token with it; `Unsupported` where no token is free.
    pub fn provision(&self, label: &str, so_pin: &SecretString, pin: &SecretString) -> Result<TokenInfo> {
        if label.is_empty() || label.len() > 32 {
            return Err(Error::invalid("label", "a token's label has 1 to 32 bytes"));
        }
        self.loaded.provision(label, so_pin, pin).map_err(|failure| self.loaded.explain(failure))
    }

    /// Initializes a token anew: all its objects and its user PIN are gone.
    ///
    /// # Errors
    /// `TokenUnavailable` where there is no such token; `Internal` while it is open; what the module
    /// answers.
    pub fn wipe(&self, select: &Selector, so_pin: &SecretString, label: &str) -> Result<()> {
        let wipe = || -> Attempt<()> {
            let state = self.loaded.state();
            let (slot, info) = self.loaded.select(select)?;
            state.refuse_open(&info.serial)?;
            let _naming = self.loaded.naming_slot();
            Ok(self.loaded.pkcs11.init_token(slot, so_pin, label)?)
        };
        wipe().map_err(|failure| self.loaded.explain(failure))
    }

    /// Does something while no token is being initialized or opened.
    pub(super) fn quietly<T>(&self, act: impl FnOnce() -> T) -> T {
        let _state = self.loaded.state();
        act()
    }

    /// Logs in to a token, measures what it can do, lists what it holds, and starts its threads.
    ///
    /// # Errors
    /// `TokenUnavailable` where there is no such token, the PIN is refused, or the token is not what
    /// `settings` expect; `Internal` where it is open already: clone its handle.
    pub fn open(&self, select: &Selector, pin: &SecretString, settings: &Settings) -> Result<Token> {
        let mut state = self.loaded.state();
        if state.finalized {
            return Err(Error::TokenUnavailable { why: "the module was finalized".to_owned() });
        }
        let open = |state: &mut State| -> Attempt<Device> {
            let (keeper, device) = self.loaded.log_in(state, select, pin, settings)?;
            device.take_up(keeper)?;
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
            let (keeper, device) = self.loaded.log_in(state, select, pin, &settings)?;
            let opened_before = device.check_whole(&keeper).is_ok();
            let strays = device.scan(&keeper)?;
            Ok(Report {
                module,
                token: device.info.clone(),
                capabilities: device.capabilities.clone(),
                opened_before,
                keys: device.handles.len(),
                foreign: strays.foreign,
                ghosts: strays.ghosts,
            })
        };
        examine(&mut state).map_err(|failure| self.loaded.explain(failure))
    }

    /// Ends the use of the module; once done, it is done for all clones.
    ///
    /// # Errors
    /// `Internal` while a token is open, since its threads may be in a call: a module that is finalized
    /// under them crashes. Drain all tokens first; where that fails, end the process without ceremony.
    pub fn finalize(self) -> Result<()> {
        let mut state = self.loaded.state();
        if state.finalized {
            // By now the process may have loaded the module anew.
            return Ok(());
        }
        let users = self.loaded.users.load(Ordering::Acquire);
        if users > 0 {
            return Err(Error::internal(format!("{users} threads and logins still use the module")));
        }
        state.finalized = true;
        self.loaded.pkcs11.clone().finalize().map_err(|error| self.loaded.error(error))
    }
}

impl Loaded {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn explain(&self, failure: Failure) -> Error {
        failure.into_error(&self.profile.throttle)
    }

    fn error(&self, error: WrapperError) -> Error {
        self.explain(error.into())
    }

    /// The lock for calls that name a slot.
    fn naming_slot(&self) -> RwLockReadGuard<'_, ()> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a token says of itself.
    pub(super) fn token_info(&self, slot: Slot) -> Attempt<TokenInfo> {
        let _naming = self.naming_slot();
        TokenInfo::read(&self.pkcs11, slot)
    }

    /// Opens a session.
    pub(super) fn session(&self, slot: Slot) -> Attempt<Session> {
        let _naming = self.naming_slot();
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
                // One sick token must not hide the others.
                Err(failure) => {
                    tracing::warn!(slot = slot.id(), ?failure, "a token does not say what it is");
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
                Error::invalid("label", format!("there is a token with label {label:?} already")).into()
            );
        }
        let free = |(_, info): &&(Slot, TokenInfo)| {
            !info.initialized || !info.has_user_pin && [label, FREE].contains(&info.label.as_str())
        };
        let (slot, _) = tokens.iter().find(free).ok_or_else(|| Error::Unsupported {
            what: "the module has no free token; configure one and name it".to_owned(),
        })?;
        {
            let _naming = self.naming_slot();
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

    /// Logs in to a token and measures it. The session holds the login.
    fn log_in(
        self: &Arc<Self>,
        state: &mut State,
        select: &Selector,
        pin: &SecretString,
        settings: &Settings,
    ) -> Attempt<(Session, Device)> {
        let (slot, info) = self.select(select)?;
        state.refuse_open(&info.serial)?;
        let keeper = self.session(slot)?;
        device::log_in(&keeper, pin)?;
        let kind = format!("{}/{}/{}", info.manufacturer, info.model, info.firmware);
        let capabilities = match state.measured.get(&kind) {
            Some(known) => known.clone(),
            None => {
                let measured = probe::measure(&keeper);
                state.measured.insert(kind, measured.clone());
                measured
            }
        };
        let device = Device::new(Arc::clone(self), (slot, info), pin.clone(), capabilities, settings.clone());
        Ok((keeper, device))
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
