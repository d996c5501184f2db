//! Tests the module as applications see it: through the wrapper that the service uses, in front of SoftHSM.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking; faults take real time"
)]

mod control_file;
mod documentation;
mod faults;
mod fixture;
mod forwarding;
mod processes;
