//! The public half of a key in software, judged by other implementations (RustCrypto, OpenSSL).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod encrypt;
mod keys;
mod refuse;
mod validate;
mod verify;
