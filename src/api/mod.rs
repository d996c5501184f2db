//! The API surfaces: translate between wire protocols and the engine's operations, and do nothing else.

pub mod arm;
mod azure;
mod body_budget;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod grpc;
mod host_and_port;
mod peer;
mod refusal_context;
mod request_path;
pub mod rest;

#[cfg(test)]
mod tests;

pub use azure::{HostNames, RouteLine, TokenAuthorities, retry_after_seconds};
pub use body_budget::{BodyBudget, BodyLimits, BodyReservation};
pub use host_and_port::HostAndPort;
pub use peer::{PeerAddress, PeerCertificate, PeerConnection};
pub use request_path::normalize_path;
