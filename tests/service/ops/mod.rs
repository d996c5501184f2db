//! One file per operation: what it does, what it refuses, what it leaves behind.

mod advance_clock;
mod create_key;
mod decrypt;
mod delete_key;
mod encrypt;
mod freeze_clock;
mod generate_random_bytes;
mod get_clock;
mod import_key;
mod resume_clock;
mod sign;
mod unwrap_key;
mod verify;
mod wrap_key;
