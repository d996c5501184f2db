//! The formats of backups: of one key, and the records that they contain. Pure functions of bytes.
//!
//! | backup | encrypted with | contains |
//! |---|---|---|
//! | of a key ([`KeyBackup`]) | the content key `base_enclave_backup` of the security domain | a [`KeyRecord`] |
//! | of an HSM ([`archive`]) | a key derived from `partition_enclave_backup` | all keys, roles and settings |
//!
//! In every backup, key material is wrapped by the token under the key `hsm_backup` of the security domain, within the
//! encryption of the backup, which authenticates the attributes that belong to the material.

pub mod archive;
mod key_backup;
mod key_record;

use strongroom_model as model;

pub use key_backup::{KeyBackup, KeyBackupError, MAX_KEY_BACKUP_BYTES};
pub use key_record::{InvalidRecord, KeyRecord, VersionRecord};
