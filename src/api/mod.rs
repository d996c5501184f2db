//! The surfaces: each translates between its wire and the engine, and does nothing else.

pub mod grpc;
