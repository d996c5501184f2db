//! The service as its users meet it: a real process, real TLS and gRPC, a real token.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test ends where it goes wrong")]

mod cli;
mod calls;
mod ops;
mod restart;
mod retention;
mod roles;
mod software;
mod support;
mod tour;
