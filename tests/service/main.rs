//! The service as its users meet it: a real process, real TLS and gRPC, a real token.

mod ops;
mod restart;
mod roles;
mod support;
