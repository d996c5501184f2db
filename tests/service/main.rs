//! The service as its users meet it: a real process, real TLS and gRPC, a real token.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test ends where it goes wrong")]

mod audit;
mod crash;
mod credentials;
mod gateway;
mod health;
mod isolation;
mod malformed;
mod ops;
mod raw;
mod restart;
mod support;
mod tokens;
mod transport;
