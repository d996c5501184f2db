//! Tests with Microsoft's clients, unmodified and from their registries, in separate processes. Each resolves the host
//! names of real deployments, verifies TLS, and verifies the authentication challenge.

mod az;
mod credentials;
mod drop_in;
mod javascript;
mod python;
mod rust;
mod sandbox;
