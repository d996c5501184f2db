//! The formats of backups: of one key, and the records that they contain. Pure functions of bytes.
//!
//! | backup | encrypted with | contains |
//! |---|---|---|
//! | of a key ([`KeyBackup`]) | the content key `base_enclave_backup` of the security domain | a [`KeyRecord`] |
//! | of a secret, a key or a certificate of a vault ([`ObjectBackup`]) | a content key, which the key of a security world encrypts | a [`SecretRecord`], a [`VaultKeyRecord`], a [`CertificateRecord`] |
//! | of an HSM ([`archive`]) | a key derived from `partition_enclave_backup` | all keys, roles and settings |
//!
//! In the backups of keys and HSMs, key material is wrapped by the token under the key `hsm_backup` of the security domain, within the
//! encryption of the backup, which authenticates the attributes that belong to the material.

pub mod archive;
mod certificate_record;
mod key_backup;
mod key_record;
mod object_backup;
mod secret_record;
mod vault_key_record;
mod world_key;

use strongroom_model as model;

pub use certificate_record::{CertificateRecord, CertificateVersionRecord};
pub use key_backup::{KeyBackup, KeyBackupError, MAX_KEY_BACKUP_BYTES};
pub use key_record::{InvalidRecord, KeyRecord, VersionRecord};
pub use object_backup::{MAX_OBJECT_BACKUP_BYTES, ObjectBackup, ObjectBackupError, ObjectRecord};
pub use secret_record::{SecretRecord, SecretVersionRecord};
pub use vault_key_record::{VaultKeyRecord, WRAPPING_KEY_BYTES};
pub use world_key::world_key_id;
