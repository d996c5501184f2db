//! One file per operation: what it does, what it refuses, what it leaves behind.

mod delete_key;
mod get_deleted_key;
mod get_key;
mod list_deleted_keys;
mod list_key_versions;
mod list_keys;
mod purge_deleted_key;
mod recover_deleted_key;
mod update_key_version;
