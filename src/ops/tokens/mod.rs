//! The PKCS#11 tokens that hold the keys of containers, as operators see them.

mod list;

pub use list::{ListTokenStates, TokenState, TokenStates};
