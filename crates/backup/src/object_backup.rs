//! The backup of one object of a vault: a JWE that only vaults of the same subscription and geography can open.
//!
//! The form follows that of Azure's backups: a byte with the length of a text that names the format, the text, and a JWE in
//! compact serialization. The plaintext is JSON.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use strongroom_security_domain::{ContentKey, GcmWrapped, WrappedContentKey};
use zeroize::Zeroizing;

/// The largest backup that is read, in bytes. A secret with 500 versions of 25 KiB needs less than 20 MiB.
pub const MAX_OBJECT_BACKUP_BYTES: usize = 24 << 20;

const VERSION: u32 = 1;

/// A record that a backup can contain.
pub trait ObjectRecord: Serialize + DeserializeOwned {
    /// What the backups are of, for errors.
    const NOUN: &'static str;
    /// What a backup begins with, as recorded from Azure or named alike.
    const MAGIC: &'static [u8];

    /// Returns an upper bound of its length as JSON, in bytes.
    fn json_capacity(&self) -> usize;

    /// Whether this service can have made it.
    fn is_valid(&self) -> bool;
}

/// A record with the version of the format.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Versioned<T> {
    version: u32,
    object: T,
}

/// What every version of the format begins with.
#[derive(Deserialize)]
struct Preamble {
    version: u32,
}

/// Why a backup of an object cannot be opened or written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ObjectBackupError {
    /// It is not the backup of an object of this kind.
    OtherFormat(&'static str),
    /// It was modified, or its content key is another one.
    NotAuthentic,
    /// It was made by another version of this service.
    OtherVersion(u32),
    /// It is authentic, but is not the backup of an object that this service can have made.
    Invalid(&'static str),
    /// The cryptographic library failed.
    Library,
}

impl fmt::Display for ObjectBackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherFormat(noun) => write!(f, "this is not the backup of a {noun} of a vault"),
            Self::NotAuthentic => f.write_str("the backup was modified"),
            Self::OtherVersion(version) => {
                write!(
                    f,
                    "the backup has version {version} of its format; this service reads version {VERSION}"
                )
            }
            Self::Invalid(noun) => write!(f, "the backup is authentic, but is not that of a {noun}"),
            Self::Library => f.write_str("the cryptographic library failed"),
        }
    }
}

impl std::error::Error for ObjectBackupError {}

/// An encrypted backup of an object. The name of its key says for which vaults it is.
#[derive(Debug)]
pub struct ObjectBackup(GcmWrapped);

impl ObjectBackup {
    /// Encrypts a record with a content key, of which `wrapped` is the encrypted form. `key_id` names the key that encrypted it.
    ///
    /// # Errors
    /// [`ObjectBackupError::Library`].
    pub fn seal<T: ObjectRecord>(
        record: &T,
        key: &ContentKey,
        wrapped: WrappedContentKey,
        key_id: &str,
    ) -> Result<Vec<u8>, ObjectBackupError> {
        // Full capacity from the start: a vector that grows leaves a copy of the record in memory.
        let mut plaintext = Zeroizing::new(Vec::with_capacity(record.json_capacity() + 64));
        let versioned = Versioned { version: VERSION, object: record };
        serde_json::to_writer(&mut *plaintext, &versioned).map_err(|_| ObjectBackupError::Library)?;
        let jwe = GcmWrapped::encrypt(key, wrapped, key_id, &plaintext);
        let jwe = jwe.map_err(|_| ObjectBackupError::Library)?;
        Ok([T::MAGIC, jwe.as_bytes()].concat())
    }

    /// Parses a backup without decrypting it.
    ///
    /// # Errors
    /// [`ObjectBackupError::OtherFormat`].
    pub fn parse<T: ObjectRecord>(backup: &[u8]) -> Result<Self, ObjectBackupError> {
        let jwe = backup.strip_prefix(T::MAGIC).filter(|_| backup.len() <= MAX_OBJECT_BACKUP_BYTES);
        let jwe = jwe.and_then(|jwe| GcmWrapped::parse(std::str::from_utf8(jwe).ok()?));
        jwe.map(Self).ok_or(ObjectBackupError::OtherFormat(T::NOUN))
    }

    /// Returns the name of the key that encrypted the content key.
    pub fn key_id(&self) -> &str {
        self.0.key_id()
    }

    /// Returns the encrypted content key.
    pub const fn wrapped(&self) -> &WrappedContentKey {
        self.0.wrapped()
    }

    /// Decrypts the record.
    ///
    /// # Errors
    /// [`ObjectBackupError`].
    pub fn open<T: ObjectRecord>(&self, key: &ContentKey) -> Result<T, ObjectBackupError> {
        let invalid = ObjectBackupError::Invalid(T::NOUN);
        let plaintext = self.0.decrypt(key).ok_or(ObjectBackupError::NotAuthentic)?;
        let Preamble { version } = serde_json::from_slice(&plaintext).map_err(|_| invalid.clone())?;
        if version != VERSION {
            return Err(ObjectBackupError::OtherVersion(version));
        }
        let read: Versioned<T> = serde_json::from_slice(&plaintext).map_err(|_| invalid.clone())?;
        if read.object.is_valid() { Ok(read.object) } else { Err(invalid) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        text: String,
    }

    impl ObjectRecord for Note {
        const NOUN: &'static str = "note";
        const MAGIC: &'static [u8] = b"\x04note";

        fn json_capacity(&self) -> usize {
            6 * self.text.len() + 16
        }

        fn is_valid(&self) -> bool {
            !self.text.is_empty()
        }
    }

    fn seal(text: &str, key: &ContentKey) -> Vec<u8> {
        let wrapped = WrappedContentKey { iv: vec![1; 12], ciphertext: vec![2; 64], tag: vec![3; 16] };
        ObjectBackup::seal(&Note { text: text.to_owned() }, key, wrapped, "world").unwrap()
    }

    #[test]
    fn backups_round_trip_and_name_their_key() {
        let key = ContentKey::generate().unwrap();
        let sealed = seal("hunter2", &key);
        assert!(sealed.starts_with(Note::MAGIC));
        assert!(!String::from_utf8_lossy(&sealed).contains("hunter2"));
        let backup = ObjectBackup::parse::<Note>(&sealed).unwrap();
        assert_eq!((backup.key_id(), &backup.wrapped().iv[..]), ("world", &[1; 12][..]));
        assert_eq!(backup.open::<Note>(&key).unwrap().text, "hunter2");
        let other = backup.open::<Note>(&ContentKey::generate().unwrap());
        assert_eq!(other, Err(ObjectBackupError::NotAuthentic));
    }

    #[test]
    fn rejects_other_documents() {
        let key = ContentKey::generate().unwrap();
        let sealed = seal("x", &key);
        for bad in [&b""[..], b"x", &sealed[1..], &sealed[..20]] {
            assert_eq!(ObjectBackup::parse::<Note>(bad).err(), Some(ObjectBackupError::OtherFormat("note")));
        }
        let invalid = ObjectBackup::parse::<Note>(&seal("", &key)).unwrap().open::<Note>(&key);
        assert_eq!(invalid, Err(ObjectBackupError::Invalid("note")));
    }
}
