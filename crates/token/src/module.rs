//! A PKCS#11 module: loaded by this process, or by worker processes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;

use super::examine;
use super::local_module::LocalModule;
use super::process::{ModuleProcesses, ProcessModule};
use super::profile::Profile;
use super::protocol::Open;
use super::rejected_pins::RejectedPins;
use super::report::Report;
use super::softhsm::Directory;
use super::token_info::{Selector, TokenInfo};
use super::{Settings, Token};
use crate::model::{Error, Field, Result};

/// A PKCS#11 module. Cheap to clone.
#[derive(Clone)]
pub struct Module {
    kind: Kind,
    /// The SoftHSM directory, if the service owns it.
    directory: Option<Directory>,
    rejected_pins: Arc<RejectedPins>,
}

#[derive(Clone)]
enum Kind {
    /// Loaded by this process.
    Local(LocalModule),
    /// Loaded by worker processes.
    Processes(ProcessModule),
}

impl Module {
    /// Loads and initializes a module in this process, which can load it once.
    ///
    /// Environment variables that the module reads must be set before: see [`super::softhsm`].
    ///
    /// # Errors
    /// `TokenUnavailable` if it cannot be loaded; `Internal` if it is already loaded; `TokenFailed` if
    /// `C_Initialize` fails.
    pub fn load(path: &Path, profile: Profile) -> Result<Self> {
        Ok(Self::of(Kind::Local(LocalModule::load(path, profile)?), None))
    }

    /// Loads SoftHSM in this process, which was started with the environment of the directory. Repairs the directory first.
    ///
    /// # Errors
    /// `TokenUnavailable` if SoftHSM is not found; else as [`Self::load`].
    pub fn load_softhsm(directory: &Directory, module: Option<&Path>, profile: Profile) -> Result<Self> {
        let path = softhsm_path(module, &profile)?;
        directory.repair()?;
        let kind = Kind::Local(LocalModule::load(&path, profile)?);
        Ok(Self::of(kind, Some(directory.clone())))
    }

    /// A module that worker processes load. They start when they are needed.
    pub fn in_processes(settings: ModuleProcesses) -> Self {
        let directory = settings.directory.clone();
        Self::of(Kind::Processes(ProcessModule::new(settings)), directory)
    }

    fn of(kind: Kind, directory: Option<Directory>) -> Self {
        Self { kind, directory, rejected_pins: Arc::default() }
    }

    /// The module's description, manufacturer and versions (`C_GetInfo`).
    ///
    /// # Errors
    /// The error of the module.
    pub fn describe(&self) -> Result<String> {
        match &self.kind {
            Kind::Local(module) => module.describe(),
            Kind::Processes(module) => module.describe(),
        }
    }

    /// Lists the tokens of all slots.
    ///
    /// # Errors
    /// The error of the module.
    pub fn tokens(&self) -> Result<Vec<TokenInfo>> {
        match &self.kind {
            Kind::Local(module) => module.tokens(),
            Kind::Processes(module) => module.tokens(),
        }
    }

    /// Finds the selected token, without a login.
    ///
    /// # Errors
    /// `TokenUnavailable` if no token, or more than one, matches.
    pub fn find(&self, select: &Selector) -> Result<TokenInfo> {
        match &self.kind {
            Kind::Local(module) => module.find(select),
            Kind::Processes(module) => module.find(select),
        }
    }

    /// Initializes a free token and sets its user PIN. A token with this label but without a user PIN is
    /// left from an interrupted call, and is initialized again.
    ///
    /// # Errors
    /// `Invalid` naming `label` if a token has this label; `Unsupported` if no token is free; `Internal` if the record of a
    /// SoftHSM token cannot be copied.
    pub fn provision(&self, label: &str, so_pin: &SecretString, pin: &SecretString) -> Result<TokenInfo> {
        if label.is_empty() || label.len() > 32 {
            return Err(Error::invalid(Field::Label, "a token's label has 1 to 32 bytes"));
        }
        let token = match &self.kind {
            Kind::Local(module) => module.provision(label, so_pin, pin)?,
            Kind::Processes(module) => module.provision(label, so_pin, pin)?,
        };
        self.back_up_records()?;
        Ok(token)
    }

    /// Reinitializes a token, which destroys all its objects and its user PIN.
    ///
    /// # Errors
    /// `TokenUnavailable` if there is no such token; `Internal` while it is open, or if the record of a SoftHSM token cannot
    /// be copied; else the error of the module.
    pub fn wipe(&self, select: &Selector, so_pin: &SecretString, label: &str) -> Result<()> {
        match &self.kind {
            Kind::Local(module) => module.wipe(select, so_pin, label)?,
            Kind::Processes(module) => module.wipe(select, so_pin, label)?,
        }
        self.back_up_records()
    }

    /// Backs up the records of SoftHSM's tokens after a PIN has changed, while no token is being initialized or opened, so
    /// that no partially written record is copied.
    fn back_up_records(&self) -> Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        match &self.kind {
            Kind::Local(module) => module.with_state_lock(|| directory.back_up_records()),
            Kind::Processes(module) => {
                let _closed = module.close_gate();
                directory.back_up_records()
            }
        }
    }

    /// Logs in to a token, measures its capabilities, lists its objects, and starts its workers. With worker processes, it must be
    /// called in the context of an asynchronous runtime.
    ///
    /// # Errors
    /// `TokenUnavailable` if there is no such token, its PIN is or was rejected, or the expected sentinel is
    /// missing; `Internal` if it is already open: clone its handle instead.
    pub fn open(&self, select: &Selector, pin: &SecretString, settings: &Settings) -> Result<Token> {
        self.rejected_pins.check(select, pin)?;
        let opened = match &self.kind {
            Kind::Local(module) => module
                .open(select, pin, settings, None)
                .map_err(|failure| (failure.is_pin_rejection(), module.explain(failure)))
                .map(Token::with_threads),
            Kind::Processes(module) => {
                let open = Open {
                    select: select.clone(),
                    pin: pin.clone(),
                    expect_sentinel: settings.expect_sentinel,
                    capabilities: None,
                };
                let workers = module.open(open).map_err(|failure| (failure.pin_rejected, *failure.error));
                workers.map(|workers| Ok(Token::with_processes(workers)))
            }
        };
        opened.unwrap_or_else(|(pin_rejected, error)| {
            if pin_rejected {
                self.rejected_pins.add(select, pin);
            }
            Err(error)
        })
    }

    /// Allows PINs that were rejected to be tried again, because somebody has corrected what was wrong.
    pub fn forget_rejected_pins(&self) {
        self.rejected_pins.forget();
    }

    /// Logs in to a token, measures its capabilities and lists its objects. Creates no token objects.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn examine(&self, select: &Selector, pin: &SecretString) -> Result<Report> {
        match &self.kind {
            Kind::Local(module) => examine::examine(module, select, pin),
            Kind::Processes(module) => module.examine(select, pin),
        }
    }

    /// Finalizes the module (`C_Finalize`) for all clones, if this process has loaded it. Later calls have no effect.
    ///
    /// # Errors
    /// `Internal` while a token is open, because finalizing a module during a call crashes it. Drain all
    /// tokens first; if that fails, terminate the process without finalizing.
    pub fn finalize(self) -> Result<()> {
        match self.kind {
            Kind::Local(module) => module.finalize(),
            Kind::Processes(_) => Ok(()),
        }
    }
}

/// The path of SoftHSM's library: the chosen one, or the first that exists of those in the profile.
///
/// # Errors
/// `TokenUnavailable` if it is not found.
pub fn softhsm_path(chosen: Option<&Path>, profile: &Profile) -> Result<PathBuf> {
    chosen.map(Path::to_path_buf).or_else(|| profile.find_module()).ok_or_else(|| Error::TokenUnavailable {
        why: "SoftHSM is not installed (on Debian and Ubuntu: apt install softhsm2)".to_owned(),
    })
}
