//! Microsoft's clients, unmodified and from their registries, in processes of their own. Each finds the server by the
//! names that users give it, verifies TLS, and verifies the challenge.

mod az;
mod credentials;
mod drop_in;
mod javascript;
mod place;
mod python;
mod rust;
