//! Access to tokens through PKCS#11; the only package that uses cryptoki.
//!
//! [`Module`] is the vendor's library, [`Token`] one token in it with a user login and worker threads that
//! own their sessions. A call is sent to a worker as data and answered over a channel; the library's
//! functions block, cannot be cancelled, and are never called from an asynchronous task.

mod call;
mod capabilities;
mod cipher;
mod create;
mod derive;
mod device;
mod doctor;
mod domain_keys;
mod error;
mod handle;
mod handles;
mod hmac_companion;
mod import;
mod key_backup;
mod key_wrap;
mod known_keys;
mod loaded_module;
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
mod profile;
mod scan;
mod sentinel;
mod sign;
pub mod softhsm;
mod template;
mod token_info;
mod worker;

use strongroom_environment::config;
use strongroom_model as model;

pub use call::{Call, Fault, FaultHook, Sealed};
pub use capabilities::{Capabilities, Feature, Support};
pub use doctor::{Report, examine};
pub use handle::Token;
pub use module::Module;
pub use pool::{TokenPool, TokenSource, TokenUsage};
pub use profile::Profile;
pub use token_info::{Selector, TokenInfo};

/// Options for opening a token.
#[derive(Clone, Default)]
pub struct Settings {
    /// Whether the token must have the sentinel object. If `false`, a token without a sentinel counts as new
    /// and gets one; if `true`, it is rejected, because it may have lost its objects.
    pub expect_sentinel: bool,
    /// The hook for fault injection; `None` except in tests.
    pub faults: Option<FaultHook>,
}
