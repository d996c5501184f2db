//! Access to tokens through PKCS#11; the only package that uses cryptoki.
//!
//! [`Module`] is the vendor's library, [`Token`] one token in it with a user login and workers that
//! own their sessions: threads of this process, or processes of their own. A call is sent to a worker as data; the library's
//! functions block, cannot be cancelled, and are never called from an asynchronous task.

mod call;
mod call_history;
mod capabilities;
mod cipher;
mod confinement;
mod create;
mod derive;
mod device;
mod domain_keys;
mod error;
mod examine;
mod executor;
mod gate;
mod handle;
mod handles;
mod hmac_companion;
mod import;
mod inline;
mod key_backup;
mod key_wrap;
mod known_keys;
mod loaded_module;
mod local_module;
mod login;
mod mechanism;
mod module;
mod object_cache;
mod object_guard;
mod padding;
mod pairwise;
mod pool;
mod probe;
mod probe_wrapping;
mod process;
mod profile;
mod protocol;
mod queue;
mod queued_call;
mod rejected_pins;
mod report;
mod scan;
mod sentinel;
mod sign;
pub mod softhsm;
mod statistics;
mod template;
mod threads;
mod token_info;
mod wire;
mod wire_error;
mod worker;
mod worker_process;

use strongroom_environment::config;
use strongroom_model as model;

pub use call::{Answer, Call, Fault, FaultHook, Sealed};
pub use call_history::CallStatistics;
pub use capabilities::{Capabilities, Feature, Support};
pub use confinement::{Confinement, Enforced, Enforcement, Files};
pub use handle::Token;
pub use module::{Module, softhsm_path};
pub use pool::{TokenPool, TokenSource, TokenUsage};
pub use process::{ModuleProcesses, WorkerProgram};
pub use profile::Profile;
pub use report::Report;
pub use statistics::{Statistics, WorkerStates};
pub use token_info::{Selector, TokenInfo};
pub use worker_process::run_worker;

/// Options for opening a token.
#[derive(Clone, Default)]
pub struct Settings {
    /// Whether the token must have the sentinel object. If `false`, a token without a sentinel counts as new
    /// and gets one; if `true`, it is rejected, because it may have lost its objects.
    pub expect_sentinel: bool,
    /// The hook for fault injection; `None` except in tests.
    pub faults: Option<FaultHook>,
}
