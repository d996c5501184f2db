//! The surfaces. They translate between a wire and the engine's operations, and do nothing else.

pub mod arm;
mod azure;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod grpc;
mod peer;
pub mod rest;

#[cfg(test)]
mod tests;

pub use azure::{Authorities, Limits, Names};
pub use peer::{PeerAddress, PeerCertificate};
