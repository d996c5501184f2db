//! Tests the public key operations in software against other implementations (RustCrypto, OpenSSL).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod encrypt;
mod invalid_keys;
mod keys;
mod validate;
mod verify;
