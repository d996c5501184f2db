//! The service as its users meet it: a real process, real TLS and gRPC, a real token.

mod calls;
mod ops;
mod restart;
mod retention;
mod roles;
mod software;
mod support;
