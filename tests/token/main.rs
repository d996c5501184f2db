//! The token layer against a real SoftHSM, judged by code that has nothing to do with it.
//!
//! A process for each test (cargo-nextest): a PKCS#11 module is loaded once in a process.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it goes wrong")]

mod cipher;
mod engine;
mod faults;
mod fixture;
mod import;
mod lifecycle;
mod sign;
mod supply;
