//! The protocol between the service and its worker processes.
//!
//! A worker process is the same program, started by the service with one end of a socket pair as its standard input. Its first
//! request is [`Request::Load`]; a worker of a token then gets [`Request::Open`] and calls, one for administration
//! one request. Requests and responses are plain data. The version of both sides is the same, so the encoding has none.

mod frame;

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::call::Answer;
use crate::capabilities::Capabilities;
use crate::confinement::Confinement;
use crate::model::name::VersionId;
use crate::profile::Profile;
use crate::report::Report;
use crate::token_info::{Selector, TokenInfo};
use crate::wire;
use crate::wire_error::WireError;

pub(crate) use frame::WipedBuffer;

/// What the service requests. `C` is the call: owned by the worker, borrowed by the service.
#[derive(Serialize, Deserialize)]
pub(crate) enum Request<C> {
    /// Run a call to the open token.
    Call {
        /// Whether an earlier attempt failed, so that objects under the identifier of a new key are its remains.
        again: bool,
        /// The call.
        call: C,
    },
    /// Forget the handles and session copies of these keys, which another worker has destroyed.
    Forget(#[serde(with = "wire::versions")] Vec<VersionId>),
    /// Log in to the open token again, with this PIN.
    LogIn(#[serde(with = "wire::pin")] SecretString),
    /// Load the module.
    Load(Load),
    /// Log in to a token and list its objects.
    Open(Open),
    /// Describe the module.
    Describe,
    /// List the tokens of all slots.
    List,
    /// Find a token.
    Find(Selector),
    /// Initialize a free token.
    Provision {
        /// The label of the token.
        label: String,
        /// The PIN of its security officer.
        #[serde(with = "wire::pin")]
        so_pin: SecretString,
        /// The PIN of its user.
        #[serde(with = "wire::pin")]
        pin: SecretString,
    },
    /// Reinitialize a token, which destroys its objects.
    Wipe {
        /// The token.
        select: Selector,
        /// The PIN of its security officer.
        #[serde(with = "wire::pin")]
        so_pin: SecretString,
        /// Its new label.
        label: String,
    },
    /// Log in to a token and report on it.
    Examine {
        /// The token.
        select: Selector,
        /// The PIN of its user.
        #[serde(with = "wire::pin")]
        pin: SecretString,
    },
}

/// The module to load.
#[derive(Serialize, Deserialize)]
pub(crate) struct Load {
    /// The path of its shared library.
    pub(crate) module: PathBuf,
    /// Its settings.
    pub(crate) profile: Profile,
    /// What the process may do.
    pub(crate) confinement: Confinement,
    /// The file that the process locks as long as it lives, so that the service that is started next waits for its end.
    pub(crate) lock: Option<PathBuf>,
}

/// The token to open.
#[derive(Serialize, Deserialize)]
pub(crate) struct Open {
    /// The token.
    pub(crate) select: Selector,
    /// The PIN of its user.
    #[serde(with = "wire::pin")]
    pub(crate) pin: SecretString,
    /// Whether it must have the sentinel.
    pub(crate) expect_sentinel: bool,
    /// Its capabilities, if they have been measured.
    pub(crate) capabilities: Option<Capabilities>,
}

/// What a worker process responds.
#[derive(Serialize, Deserialize)]
pub(crate) enum Response {
    /// The result of a call.
    Answer(Answer),
    /// The request was carried out.
    Done,
    /// The token is open.
    Opened {
        /// The token.
        token: TokenInfo,
        /// Its capabilities.
        capabilities: Capabilities,
        /// The keys in it.
        #[serde(with = "wire::versions")]
        keys: Vec<VersionId>,
    },
    /// The call failed because the login to the token is lost: it can be repeated after [`Request::LogIn`].
    LoginLost,
    /// The token could not be opened, or the login failed.
    NotOpened {
        /// The error.
        error: WireError,
        /// Whether the token rejected the PIN, which must not be tried again.
        pin_rejected: bool,
    },
    /// A report on a token.
    Report(Box<Report>),
    /// A text.
    Text(String),
    /// A token.
    Token(TokenInfo),
    /// All tokens.
    Tokens(Vec<TokenInfo>),
    /// The request failed.
    Failed(WireError),
}
