//! Encryption with a content key that is encrypted with AES-GCM: a compact JWE with `A256GCMKW` (RFC 7518, section 4.7) and
//! `A256CBC-HS512`, for backups of objects of vaults. The key that encrypts the content key stays in a token.

use zeroize::Zeroizing;

use crate::content_encryption::ContentKey;
use crate::error::Error;
use crate::jwe::Jwe;
use crate::wrapped_content_key::WrappedContentKey;

/// A parsed JWE whose content key is encrypted with AES-GCM.
#[derive(Debug)]
pub struct GcmWrapped {
    jwe: Jwe,
    wrapped: WrappedContentKey,
}

impl GcmWrapped {
    /// Encrypts with a content key, of which `wrapped` is the encrypted form. `key_id` names the key that encrypted it.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn encrypt(
        key: &ContentKey,
        wrapped: WrappedContentKey,
        key_id: &str,
        plaintext: &[u8],
    ) -> Result<String, Error> {
        Ok(Jwe::encrypt_gcm_wrapped(key, wrapped, key_id, plaintext)?.to_text())
    }

    /// Parses the compact serialization; `None` if it is not such a JWE.
    pub fn parse(text: &str) -> Option<Self> {
        let (jwe, wrapped) = Jwe::parse_gcm_wrapped(text).ok()?;
        Some(Self { jwe, wrapped })
    }

    /// Returns the name of the key that encrypted the content key.
    pub fn key_id(&self) -> &str {
        self.jwe.key_id().unwrap_or_default()
    }

    /// Returns the encrypted content key.
    pub const fn wrapped(&self) -> &WrappedContentKey {
        &self.wrapped
    }

    /// Verifies and decrypts; `None` if it was modified, or encrypted with another content key.
    pub fn decrypt(&self, key: &ContentKey) -> Option<Zeroizing<Vec<u8>>> {
        self.jwe.decrypt(key).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64::decode_base64url;

    #[test]
    fn encryption_round_trips_and_names_the_wrapping_key() {
        let key = ContentKey::generate().unwrap();
        let wrapped = WrappedContentKey { iv: vec![1; 12], ciphertext: vec![2; 64], tag: vec![3; 16] };
        let text = GcmWrapped::encrypt(&key, wrapped.clone(), "world", b"data").unwrap();
        let header = decode_base64url(text.split('.').next().unwrap()).unwrap();
        assert_eq!(
            header,
            br#"{"alg":"A256GCMKW","enc":"A256CBC-HS512","kid":"world","iv":"AQEBAQEBAQEBAQEB","tag":"AwMDAwMDAwMDAwMDAwMDAw"}"#
        );
        let parsed = GcmWrapped::parse(&text).unwrap();
        assert_eq!((parsed.key_id(), parsed.wrapped()), ("world", &wrapped));
        assert_eq!(parsed.decrypt(&key).unwrap()[..], *b"data");
        assert_eq!(parsed.decrypt(&ContentKey::generate().unwrap()), None);
        assert!(GcmWrapped::parse(&text.replacen("ey", "eX", 1)).is_none());
    }
}
