//! One file per operation: what it does, what it refuses, what it leaves behind.

mod advance_clock;
mod delete_key;
mod freeze_clock;
mod get_clock;
mod resume_clock;
