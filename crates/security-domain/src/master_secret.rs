//! The master secret of a security domain, and the keys derived from it (NIST SP 800-108, section 4.1).

use std::fmt;

use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

use crate::content_encryption::ContentKey;
use crate::error::Error;

/// The length of a master secret.
pub(crate) const SECRET_BYTES: usize = 32;

/// The secret from which the keys of the data are derived. Zeroized on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl MasterSecret {
    /// Generates a master secret.
    ///
    /// # Errors
    ///
    /// [`Error::Library`] if the system's random generator fails.
    pub fn generate() -> Result<Self, Error> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        rand::fill(&mut *secret).map_err(|_| Error::Library)?;
        Ok(Self(secret))
    }

    /// A master secret of these bytes, such as one that the service has stored.
    pub const fn from_bytes(bytes: Zeroizing<[u8; SECRET_BYTES]>) -> Self {
        Self(bytes)
    }

    /// The secret.
    pub fn as_bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        (bytes.len() == SECRET_BYTES).then(|| secret.copy_from_slice(bytes))?;
        Some(Self(secret))
    }

    /// The key of the data with this tag: the key derivation function in counter mode with HMAC-SHA-512, the tag as
    /// label, an empty context, and 512 bits. One block of the function suffices (azure-cli, `sp800_108.py`).
    pub(crate) fn content_key(&self, tag: &str) -> ContentKey {
        let mut key = Zeroizing::new([0; 64]);
        key.copy_from_slice(derive(&*self.0, tag.as_bytes(), b"", 512).as_ref());
        ContentKey::new(key)
    }
}

/// The first block of the function. `bits` is the length that the caller uses, at most 512.
fn derive(key: &[u8], label: &[u8], context: &[u8], bits: u32) -> hmac::Tag {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA512, key));
    for part in [&1_u32.to_be_bytes(), label, &[0], context, &bits.to_be_bytes()] {
        mac.update(part);
    }
    mac.sign()
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The self-test of azure-cli.
    #[test]
    fn derives_the_vector_of_azure_cli() {
        let derived = derive(&[0x41; 32], b"label", b"context", 256);
        let hex: String = derived.as_ref()[..32].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "f0ca51f6308791404bf68b56024ee7c64d6c737716f81d47e1e68b5c4e399575");
    }

    #[test]
    fn each_tag_has_its_own_key() {
        let master = MasterSecret::generate().unwrap();
        let [a, b] = ["a", "b"].map(|tag| master.content_key(tag));
        assert_ne!(a.as_bytes(), b.as_bytes());
    }
}
