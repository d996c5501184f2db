//! The secrets of a security domain in the clear.
//!
//! They are in the memory of this process when a domain is generated, downloaded or uploaded: they must be encrypted for
//! certificates that the token does not know. They are zeroized, and stored only encrypted under a key in the token.

use std::fmt;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::model::{Error, Result};
use crate::security_domain::{Datum, TAGS};
use crate::token::Token;

/// The lengths of the secrets, in the order of [`TAGS`]: an AES-256 key that wraps keys, the content key of key backups
/// (`A256CBC-HS512`), and an AES-256 key from which those of full backups are derived.
const LENGTHS: [usize; 3] = [32, 64, 32];

/// The first byte of a secret in a security domain file.
const VERSION: u8 = 1;

/// The secrets of a security domain. Zeroized on drop.
pub struct DomainSecrets([Zeroizing<Vec<u8>>; 3]);

impl fmt::Debug for DomainSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DomainSecrets")
    }
}

impl DomainSecrets {
    /// Generates secrets with the random generator of the token.
    ///
    /// # Errors
    /// Those of the token.
    pub async fn generate(token: &Token) -> Result<Self> {
        let mut secrets = LENGTHS.map(|_| Zeroizing::default());
        for (secret, length) in secrets.iter_mut().zip(LENGTHS) {
            *secret = Zeroizing::new(token.random(length).await?);
        }
        Self::checked(secrets).ok_or_else(|| Error::internal("the token's random bytes have a wrong length"))
    }

    /// Reads the contents of a security domain file.
    ///
    /// # Errors
    /// `None` if they are not those of a domain that this service made.
    pub fn from_data(data: &[Datum]) -> Option<Self> {
        let secret = |tag: &str| {
            let datum = data.iter().find(|datum| datum.tag == tag)?;
            let (version, secret) = datum.plaintext.split_first()?;
            (*version == VERSION).then(|| Zeroizing::new(secret.to_vec()))
        };
        let [wrapping, key_backups, full_backups] = TAGS.map(secret);
        Self::checked([wrapping?, key_backups?, full_backups?])
    }

    /// Returns the contents of a security domain file.
    pub fn to_data(&self) -> Vec<Datum> {
        let datum = |(tag, secret): (&str, &Zeroizing<Vec<u8>>)| Datum {
            tag: tag.to_owned(),
            plaintext: Self::with_version(secret),
        };
        TAGS.into_iter().zip(&self.0).map(datum).collect()
    }

    /// The form of a secret in a security domain file.
    pub(super) fn with_version(secret: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut plaintext = Zeroizing::new(Vec::with_capacity(secret.len() + 1));
        plaintext.push(VERSION);
        plaintext.extend_from_slice(secret);
        plaintext
    }

    /// Returns the identifier of the domain, which discloses nothing about the secrets.
    pub fn id(&self) -> Uuid {
        let mut hash = Sha256::new_with_prefix(b"strongroom security domain");
        self.0.iter().for_each(|secret| hash.update(secret.as_slice()));
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        uuid::Builder::from_custom_bytes(id).into_uuid()
    }

    /// The secrets with their tags.
    pub(super) fn tagged(&self) -> impl Iterator<Item = (&'static str, &Zeroizing<Vec<u8>>)> {
        TAGS.into_iter().zip(&self.0)
    }

    /// The wrapping key.
    pub(super) fn wrapping_key(&self) -> Zeroizing<Vec<u8>> {
        self.0[0].clone()
    }

    fn checked(secrets: [Zeroizing<Vec<u8>>; 3]) -> Option<Self> {
        secrets.iter().map(|secret| secret.len()).eq(LENGTHS).then_some(Self(secrets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(byte: u8) -> DomainSecrets {
        DomainSecrets::checked(LENGTHS.map(|length| Zeroizing::new(vec![byte; length]))).unwrap()
    }

    #[test]
    fn contents_of_a_file_are_read_as_written() {
        let read = DomainSecrets::from_data(&secrets(7).to_data()).unwrap();
        assert_eq!(read.0, secrets(7).0);
        assert_eq!(read.id(), secrets(7).id());
        assert_ne!(read.id(), secrets(8).id());
    }

    #[test]
    fn rejects_contents_of_other_services() {
        let change = |change: fn(&mut Vec<Datum>)| {
            let mut data = secrets(7).to_data();
            change(&mut data);
            DomainSecrets::from_data(&data)
        };
        assert!(change(|data| data.clear()).is_none());
        assert!(change(|data| data.truncate(2)).is_none());
        assert!(change(|data| data[0].tag.push('x')).is_none());
        assert!(change(|data| data[1].plaintext[0] = 2).is_none());
        assert!(change(|data| data[1].plaintext.push(0)).is_none());
        assert!(change(|data| data[2].plaintext.clear()).is_none());
        assert!(change(|data| data.reverse()).is_some());
    }
}
