//! One file per operation: what it does, what it refuses, what it leaves behind.

mod advance_clock;
mod create_key;
mod decrypt;
mod delete_key;
mod encrypt;
mod freeze_clock;
mod generate_random_bytes;
mod get_clock;
mod get_deleted_key;
mod get_key;
mod import_key;
mod list_deleted_keys;
mod list_key_versions;
mod list_keys;
mod purge_deleted_key;
mod recover_deleted_key;
mod resume_clock;
mod sign;
mod unwrap_key;
mod update_key_version;
mod verify;
mod wrap_key;
