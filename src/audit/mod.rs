//! The audit log: how a call is told, where it is written, and whether it was altered since.

mod render;
mod sink;
mod verify;

pub use render::render;
pub use sink::Sink;
pub use verify::{Break, Report, verify};
