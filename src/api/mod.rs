//! The API surfaces: translate between wire protocols and the engine's operations, and do nothing else.

pub mod arm;
mod azure;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod grpc;
mod intake;
mod kept;
mod peer;
pub mod rest;

#[cfg(test)]
mod tests;

pub use azure::{Authorities, Names};
pub use intake::{Budget, Intake, Limits};
pub use peer::{PeerAddress, PeerCertificate, PeerConnection};
