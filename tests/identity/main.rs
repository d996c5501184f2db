//! Credentials, from outside: tokens and certificates made by other implementations, real sockets, real files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod authority;
mod certificates;
mod keys;
mod support;
mod tokens;
