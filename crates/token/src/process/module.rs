//! A PKCS#11 module that only worker processes load.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use secrecy::SecretString;

use super::connection::{Connection, WorkerProgram, unexpected};
use super::opened::{OpenFailure, OpenedToken};
use super::workers::{Starter, Workers};
use crate::capabilities::Capabilities;
use crate::confinement::Confinement;
use crate::gate::{Closed, Gate};
use crate::model::{Error, Result};
use crate::profile::Profile;
use crate::protocol::{Load, Open, Request, Response};
use crate::report::Report;
use crate::softhsm::Directory;
use crate::token_info::{Selector, TokenInfo};

/// How worker processes load a module.
pub struct ModuleProcesses {
    /// The program of the worker processes.
    pub program: WorkerProgram,
    /// The path of the module's shared library.
    pub module: PathBuf,
    /// Its settings.
    pub profile: Profile,
    /// The SoftHSM directory, if the service owns it.
    pub directory: Option<Directory>,
    /// What the processes may do.
    pub confinement: Confinement,
}

/// A module, with what all its worker processes share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ProcessModule(Arc<Inner>);

struct Inner {
    settings: ModuleProcesses,
    gate: Arc<Gate>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Open tokens by serial number.
    open: HashMap<String, Weak<Workers>>,
    /// Measured capabilities by manufacturer, model and firmware: each kind of token is measured once.
    measured: HashMap<String, Capabilities>,
}

impl ProcessModule {
    pub(crate) fn new(settings: ModuleProcesses) -> Self {
        Self(Arc::new(Inner { settings, gate: Arc::default(), state: Mutex::default() }))
    }

    pub(crate) fn profile(&self) -> &Profile {
        &self.0.settings.profile
    }

    /// Describes the module.
    pub(crate) fn describe(&self) -> Result<String> {
        match self.administer(&Request::Describe)? {
            Response::Text(text) => Ok(text),
            _ => Err(unexpected()),
        }
    }

    /// Lists the tokens of all slots.
    pub(crate) fn tokens(&self) -> Result<Vec<TokenInfo>> {
        match self.administer(&Request::List)? {
            Response::Tokens(tokens) => Ok(tokens),
            _ => Err(unexpected()),
        }
    }

    /// Finds a token.
    pub(crate) fn find(&self, select: &Selector) -> Result<TokenInfo> {
        match self.administer(&Request::Find(select.clone()))? {
            Response::Token(token) => Ok(token),
            _ => Err(unexpected()),
        }
    }

    /// Initializes a free token and sets its user PIN.
    pub(crate) fn provision(
        &self,
        label: &str,
        so_pin: &SecretString,
        pin: &SecretString,
    ) -> Result<TokenInfo> {
        let (so_pin, pin) = (so_pin.clone(), pin.clone());
        match self.administer(&Request::Provision { label: label.to_owned(), so_pin, pin })? {
            Response::Token(token) => Ok(token),
            _ => Err(unexpected()),
        }
    }

    /// Reinitializes a token, which is not open.
    pub(crate) fn wipe(&self, select: &Selector, so_pin: &SecretString, label: &str) -> Result<()> {
        let (select, so_pin, label) = (select.clone(), so_pin.clone(), label.to_owned());
        if let Selector::Serial(serial) = &select {
            self.reject_if_open(serial)?;
        }
        match self.administer(&Request::Wipe { select, so_pin, label })? {
            Response::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// Reports on a token.
    pub(crate) fn examine(&self, select: &Selector, pin: &SecretString) -> Result<Report> {
        match self.administer(&Request::Examine { select: select.clone(), pin: pin.clone() })? {
            Response::Report(report) => Ok(*report),
            _ => Err(unexpected()),
        }
    }

    /// Opens a token: starts its first worker process.
    pub(crate) fn open(&self, open: Open) -> Result<Arc<Workers>, OpenFailure> {
        let opened = self.start(&open)?;
        let open_pin = open.pin.clone();
        let serial = opened.token.serial.clone();
        self.reject_if_open(&serial)?;
        let module = self.clone();
        let starter = Starter {
            start: Box::new(move |pin, capabilities| {
                let (select, pin, capabilities) =
                    (open.select.clone(), pin.clone(), Some(capabilities.clone()));
                module.start(&Open { select, pin, expect_sentinel: true, capabilities })
            }),
            pin: Mutex::new(Some(open_pin)),
            gate: Arc::clone(&self.0.gate),
            profile: self.profile().clone(),
        };
        let workers = Workers::new(starter, opened)?;
        self.state().open.insert(serial, Arc::downgrade(&workers));
        Ok(workers)
    }

    /// Starts a worker process and opens a token in it.
    pub(crate) fn start(&self, open: &Open) -> Result<OpenedToken, OpenFailure> {
        let timeout = self.profile().slow_call_timeout();
        let gate = self.close_gate();
        let mut connection = self.connect(&gate)?;
        let request = Request::Open(Open {
            select: open.select.clone(),
            pin: open.pin.clone(),
            expect_sentinel: open.expect_sentinel,
            capabilities: open.capabilities.clone().or_else(|| self.measured(&mut connection, &open.select)),
        });
        match connection.request(&request, timeout)? {
            Response::Opened { token, capabilities, keys } => {
                self.state().measured.insert(kind_of(&token), capabilities.clone());
                Ok(OpenedToken { connection, token, capabilities, keys })
            }
            Response::NotOpened { error, pin_rejected } => {
                connection.close();
                Err(OpenFailure { error: Box::new(error.into()), pin_rejected })
            }
            Response::Failed(error) => Err(Error::from(error).into()),
            _ => Err(unexpected().into()),
        }
    }

    /// The known capabilities of tokens of the same kind.
    fn measured(&self, connection: &mut Connection, select: &Selector) -> Option<Capabilities> {
        if self.state().measured.is_empty() {
            return None;
        }
        let timeout = self.profile().slow_call_timeout();
        match connection.request(&Request::Find(select.clone()), timeout) {
            Ok(Response::Token(token)) => self.state().measured.get(&kind_of(&token)).cloned(),
            // Opening the token reports the error.
            _ => None,
        }
    }

    /// Runs one request in a process of its own. No worker process starts meanwhile, and none changes the directory.
    fn administer(&self, request: &Request<&crate::call::Call>) -> Result<Response> {
        let gate = self.close_gate();
        let mut connection = self.connect(&gate)?;
        let response = connection.request(request, self.profile().slow_call_timeout())?;
        connection.close();
        match response {
            Response::Failed(error) => Err(error.into()),
            response => Ok(response),
        }
    }

    /// Starts a process that has loaded the module.
    fn connect(&self, _closed: &Closed<'_>) -> Result<Connection> {
        let ModuleProcesses { program, module, profile, directory, confinement } = &self.0.settings;
        if let Some(directory) = directory {
            // A process that was killed may have left the directory incomplete.
            directory.repair()?;
        }
        let environment: Vec<(String, PathBuf)> = directory
            .iter()
            .map(Directory::environment)
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let load = Load {
            module: module.clone(),
            profile: profile.clone(),
            confinement: confinement.clone(),
            lock: directory.as_ref().map(Directory::worker_lock),
        };
        let timeout: Duration = profile.slow_call_timeout();
        Connection::start(program, &environment, load, timeout)
    }

    /// Keeps other processes from starting and from changing the directory, until it is dropped.
    pub(crate) fn close_gate(&self) -> Closed<'_> {
        self.0.gate.close()
    }

    fn reject_if_open(&self, serial: &str) -> Result<()> {
        match self.state().open.get(serial).and_then(Weak::upgrade) {
            Some(workers) if !workers.is_closed() => {
                Err(Error::internal(format!("token {serial} is already open")))
            }
            _ => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tokens with the same capabilities have in common.
fn kind_of(token: &TokenInfo) -> String {
    format!("{}/{}/{}", token.manufacturer, token.model, token.firmware)
}
