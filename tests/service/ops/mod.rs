//! One file per operation: what it does, what it refuses, what it leaves behind.

mod create_key;
mod decrypt;
mod delete_key;
mod encrypt;
mod generate_random_bytes;
mod import_key;
mod sign;
mod unwrap_key;
mod verify;
mod wrap_key;
