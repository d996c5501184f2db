//! The record of a key of a vault in a backup: its versions with their wrapped material, and the key that unwraps it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::key_record::KeyRecord;
use crate::model::base64;
use crate::object_backup::ObjectRecord;

/// The length of a wrapping key, in bytes.
pub const WRAPPING_KEY_BYTES: usize = 32;

/// A key of a vault. The wrapping key was made for this backup alone.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VaultKeyRecord {
    /// The AES-256 key under which the material is wrapped.
    #[serde(serialize_with = "write_key", deserialize_with = "read_key")]
    pub wrapping_key: Zeroizing<Vec<u8>>,
    /// The key with its wrapped material.
    pub key: KeyRecord,
}

fn write_key<S: Serializer>(key: &Zeroizing<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    base64::base64url::serialize(key, serializer)
}

fn read_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<Vec<u8>>, D::Error> {
    base64::base64url::deserialize(deserializer).map(Zeroizing::new)
}

impl ObjectRecord for VaultKeyRecord {
    const NOUN: &'static str = "key";
    const MAGIC: &'static [u8] = b"\x26AzureKeyVaultKeyBackupV1.microsoft.com";

    fn json_capacity(&self) -> usize {
        // Wrapped material and public key of RSA-4096, and tags.
        80 * 1024 * self.key.version_ids().len() + 1024
    }

    fn is_valid(&self) -> bool {
        self.wrapping_key.len() == WRAPPING_KEY_BYTES
    }
}
