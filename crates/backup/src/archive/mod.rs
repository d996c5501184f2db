//! A full backup: a stream of records, encrypted in chunks.
//!
//! | part | bytes |
//! |---|---|
//! | magic | `STRONGROOM BACKUP`, and a zero byte |
//! | version | 2, big-endian |
//! | security domain | 16: the identifier of the domain whose key encrypts the backup |
//! | salt | 32 random bytes |
//! | chunks | each: 1 if it is the last or 0, the length of the ciphertext (4, big-endian), the ciphertext with its tag |
//!
//! The key is derived from the key of the domain with HKDF-SHA-256 (RFC 5869) and the salt, so that it encrypts one
//! backup. Chunks are encrypted with AES-256-GCM; the nonce is the number of the chunk and whether it is the last, and the
//! additional data everything before the chunks (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015).
//! So chunks cannot be removed, exchanged or added. The plaintext is JSON, one [`Record`] per line.

mod read;
mod record;
mod write;

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf;

pub use read::ArchiveReader;
pub use record::{ArchiveHeader, Counts, Record};
pub use write::ArchiveWriter;

const MAGIC: &[u8; 18] = b"STRONGROOM BACKUP\0";
const VERSION: u16 = 1;
const ID_BYTES: usize = 16;
const SALT_BYTES: usize = 32;
const PREAMBLE_BYTES: usize = MAGIC.len() + 2 + ID_BYTES + SALT_BYTES;

/// The plaintext of a chunk has at most these bytes.
const CHUNK_BYTES: usize = 64 << 10;
const TAG_BYTES: usize = 16;
const CHUNK_HEADER_BYTES: usize = 5;

/// The longest record, in bytes: more than a key with the largest number of versions and tags.
const MAX_RECORD_BYTES: usize = 16 << 20;

/// Why a full backup cannot be written or read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ArchiveError {
    /// It does not begin like a full backup.
    NotAnArchive,
    /// It was made by another version of this service.
    OtherVersion(u16),
    /// It was made in another security domain.
    OtherDomain,
    /// It was modified.
    NotAuthentic,
    /// It ends too early, or continues after its end.
    Incomplete,
    /// It is authentic, but a record is not one of this format.
    InvalidRecord(String),
    /// The cryptographic library failed.
    Library,
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnArchive => f.write_str("the folder does not contain a backup of this service"),
            Self::OtherVersion(version) => {
                write!(
                    f,
                    "the backup has version {version} of its format; this service reads version {VERSION}"
                )
            }
            Self::OtherDomain => f.write_str("the backup was made in another security domain"),
            Self::NotAuthentic => f.write_str("the backup was modified"),
            Self::Incomplete => f.write_str("the backup is incomplete"),
            Self::InvalidRecord(why) => write!(f, "the backup contains an invalid record: {why}"),
            Self::Library => f.write_str("the cryptographic library failed"),
        }
    }
}

impl std::error::Error for ArchiveError {}

/// The key of one backup, with the nonce of the next chunk.
struct ChunkKey {
    key: LessSafeKey,
    next: u32,
}

struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

impl ChunkKey {
    fn derive(domain_key: &[u8], salt: &[u8]) -> Result<Self, ArchiveError> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(domain_key);
        let mut key = zeroize::Zeroizing::new([0; 32]);
        let derived = prk.expand(&[b"strongroom full backup"], KeyLength);
        derived.and_then(|okm| okm.fill(&mut *key)).map_err(|_| ArchiveError::Library)?;
        let key = UnboundKey::new(&AES_256_GCM, &*key).map_err(|_| ArchiveError::Library)?;
        Ok(Self { key: LessSafeKey::new(key), next: 0 })
    }

    /// The nonce of the next chunk. A backup has fewer chunks than numbers.
    fn nonce(&mut self, is_last: bool) -> Result<Nonce, ArchiveError> {
        let mut nonce = [0; NONCE_LEN];
        nonce[7..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(is_last);
        self.next = self.next.checked_add(1).ok_or(ArchiveError::Library)?;
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

#[cfg(test)]
mod tests;
