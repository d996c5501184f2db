//! The gRPC surface.

pub mod pb;
