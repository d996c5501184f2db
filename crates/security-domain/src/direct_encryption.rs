//! Encryption with a key that both sides have, for backups that the key of a security domain protects.

use zeroize::Zeroizing;

use crate::content_encryption::ContentKey;
use crate::error::Error;
use crate::jwe::Jwe;

/// Encrypts with a shared key: a compact JWE with `dir` and `A256CBC-HS512`, whose header names the key.
///
/// # Errors
///
/// [`Error::Library`].
pub fn encrypt_with(key: &ContentKey, key_id: &str, plaintext: &[u8]) -> Result<String, Error> {
    Ok(Jwe::encrypt_direct(key, key_id, plaintext)?.to_text())
}

/// Verifies and decrypts what [`encrypt_with`] returns. `None` if it is not that, was modified, names another key, or was
/// encrypted with another key.
pub fn decrypt_with(key: &ContentKey, key_id: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let jwe = Jwe::parse_direct(text).ok().filter(|jwe| jwe.key_id() == Some(key_id))?;
    jwe.decrypt(key).ok()
}
