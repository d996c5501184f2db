//! The token: PKCS#11 lives here and only here.
//!
//! [`Module`] is the vendor's library, [`Token`] one token of it, logged in, with threads that own
//! their sessions. A call is handed to them as data and answered over a channel; the module's
//! functions block, cannot be cancelled, and are never called from an asynchronous task.

mod call;
mod capabilities;
mod cipher;
mod copies;
mod create;
mod derive;
mod device;
mod doctor;
mod error;
mod handle;
mod handles;
mod import;
mod key_wrap;
mod known_keys;
mod mechanism;
mod module;
mod padding;
mod pairwise;
mod probe;
mod profile;
mod sign;
pub mod softhsm;
mod supply;
mod template;
mod twin;
mod worker;

pub use call::{Call, Fault, FaultHook, Sealed};
pub use capabilities::{Capabilities, Feature, Support};
pub use doctor::{Report, examine};
pub use handle::Token;
pub use module::{Module, Selector, TokenInfo};
pub use profile::Profile;
pub use supply::{Claims, Source, Supply};

/// What differs from one opening of a token to the next.
#[derive(Clone, Default)]
pub struct Settings {
    /// Whether the token must have been opened before. Without this, one that does not show the
    /// sentinel is taken for new and given one; with it, it is refused: it may have lost its objects.
    pub expect_sentinel: bool,
    /// Makes calls fail, in the simulator and in tests.
    pub faults: Option<FaultHook>,
}
