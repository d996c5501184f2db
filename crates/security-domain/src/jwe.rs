//! JSON Web Encryption in compact serialization (RFC 7516, section 7.1), with `A256CBC-HS512` and either `dir`,
//! `RSA-OAEP-256` or `A256GCMKW`; nothing else is accepted.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::base64::{base64url, decode_base64url};
use crate::certificate::Certificate;
use crate::content_encryption::{ContentKey, Encrypted, NotAuthentic};
use crate::error::Error;
use crate::json::print;
use crate::wrapped_content_key::WrappedContentKey;

const CONTENT_ENCRYPTION: &str = "A256CBC-HS512";
const DIRECT: &str = "dir";
const RSA_OAEP: &str = "RSA-OAEP-256";
const GCM_WRAPPING: &str = "A256GCMKW";
/// The `kid` that azure-cli writes if the recipient is named outside of the JWE.
const UNUSED_KEY_ID: &str = "not used";

/// The protected header. Members are in the order in which azure-cli writes them.
#[derive(Deserialize, Serialize)]
struct Header {
    alg: String,
    enc: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    /// The initialization vector of `A256GCMKW` (RFC 7518, section 4.7.1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iv: Option<String>,
    /// The authentication tag of `A256GCMKW` (RFC 7518, section 4.7.1.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    /// Compressed plaintext is not accepted (RFC 7516, section 4.1.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zip: Option<serde_json::Value>,
    /// Extensions that a recipient must understand (RFC 7516, section 4.1.13). There are none here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

impl Header {
    fn new(algorithm: &str, key_id: &str) -> Self {
        Self {
            alg: algorithm.to_owned(),
            enc: CONTENT_ENCRYPTION.to_owned(),
            kid: Some(key_id.to_owned()),
            iv: None,
            tag: None,
            zip: None,
            crit: None,
        }
    }
}

/// A parsed JWE whose tag is not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Jwe {
    /// The header as it was encoded, which the tag covers.
    header: String,
    /// The `kid` of the header.
    key_id: Option<String>,
    /// The content key, encrypted for a certificate; empty if the key is agreed on otherwise.
    encrypted_key: Vec<u8>,
    encrypted: Encrypted,
}

impl Jwe {
    /// Parses a JWE whose content key the recipient has (`dir`).
    pub(crate) fn parse_direct(text: &str) -> Result<Self, &'static str> {
        let (jwe, _) = Self::parse(text, DIRECT)?;
        if jwe.encrypted_key.is_empty() { Ok(jwe) } else { Err("a JWE with alg dir has an encrypted key") }
    }

    /// Parses a JWE whose content key is encrypted for a certificate (`RSA-OAEP-256`).
    pub(crate) fn parse_wrapped(text: &str) -> Result<Self, &'static str> {
        Self::parse(text, RSA_OAEP).map(|(jwe, _)| jwe)
    }

    /// Parses a JWE whose content key is encrypted with AES-GCM (`A256GCMKW`).
    pub(crate) fn parse_gcm_wrapped(text: &str) -> Result<(Self, WrappedContentKey), &'static str> {
        let (jwe, header) = Self::parse(text, GCM_WRAPPING)?;
        let decoded = |text: Option<String>| text.as_deref().and_then(decode_base64url);
        let missing = "the header of a JWE has no iv or tag";
        let (iv, tag) = (decoded(header.iv).ok_or(missing)?, decoded(header.tag).ok_or(missing)?);
        let wrapped = WrappedContentKey { iv, ciphertext: jwe.encrypted_key.clone(), tag };
        Ok((jwe, wrapped))
    }

    fn parse(text: &str, algorithm: &str) -> Result<(Self, Header), &'static str> {
        let mut parts = text.split('.');
        let header = parts.next().unwrap_or_default();
        let mut next = || {
            parts.next().and_then(decode_base64url).ok_or("a JWE does not consist of five parts in base64url")
        };
        let (encrypted_key, iv, ciphertext, tag) = (next()?, next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err("a JWE does not consist of five parts in base64url");
        }
        let decoded = decode_base64url(header).ok_or("the header of a JWE is not base64url")?;
        let decoded: Header = serde_json::from_slice(&decoded)
            .map_err(|_| "the header of a JWE is not JSON with alg and enc")?;
        if decoded.alg != algorithm || decoded.enc != CONTENT_ENCRYPTION {
            return Err("a JWE has an unexpected algorithm");
        }
        if decoded.zip.is_some() || decoded.crit.is_some() {
            return Err("a JWE uses compression or an extension");
        }
        let key_id = decoded.kid.clone();
        let encrypted = Encrypted { iv, ciphertext, tag };
        Ok((Self { header: header.to_owned(), key_id, encrypted_key, encrypted }, decoded))
    }

    /// Encrypts with a key that the recipient has. The header names it.
    pub(crate) fn encrypt_direct(key: &ContentKey, key_id: &str, plaintext: &[u8]) -> Result<Self, Error> {
        Self::encrypt(Header::new(DIRECT, key_id), key, Vec::new(), plaintext)
    }

    /// Encrypts for a certificate, with a random content key.
    pub(crate) fn encrypt_wrapped(recipient: &Certificate, plaintext: &[u8]) -> Result<Self, Error> {
        let key = ContentKey::generate()?;
        let encrypted_key = recipient.encrypt(key.as_bytes())?;
        Self::encrypt(Header::new(RSA_OAEP, UNUSED_KEY_ID), &key, encrypted_key, plaintext)
    }

    /// Encrypts with a content key that was encrypted with AES-GCM. The header names the key that encrypted it.
    pub(crate) fn encrypt_gcm_wrapped(
        key: &ContentKey,
        WrappedContentKey { iv, ciphertext, tag }: WrappedContentKey,
        key_id: &str,
        plaintext: &[u8],
    ) -> Result<Self, Error> {
        let (iv, tag) = (Some(base64url(&iv)), Some(base64url(&tag)));
        Self::encrypt(Header { iv, tag, ..Header::new(GCM_WRAPPING, key_id) }, key, ciphertext, plaintext)
    }

    fn encrypt(
        header: Header,
        key: &ContentKey,
        encrypted_key: Vec<u8>,
        plaintext: &[u8],
    ) -> Result<Self, Error> {
        let key_id = header.kid.clone();
        let header = base64url(print(&header)?.as_bytes());
        let encrypted = key.encrypt(plaintext, header.as_bytes())?;
        Ok(Self { header, key_id, encrypted_key, encrypted })
    }

    /// The `kid` of the header.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The content key, encrypted for a certificate.
    pub(crate) fn encrypted_key(&self) -> &[u8] {
        &self.encrypted_key
    }

    /// Verifies and decrypts.
    pub(crate) fn decrypt(&self, key: &ContentKey) -> Result<Zeroizing<Vec<u8>>, NotAuthentic> {
        key.decrypt(&self.encrypted, self.header.as_bytes())
    }

    /// The compact serialization.
    pub(crate) fn to_text(&self) -> String {
        let Encrypted { iv, ciphertext, tag } = &self.encrypted;
        let [key, iv, ciphertext, tag] =
            [&self.encrypted_key, iv, ciphertext, tag].map(|part| base64url(part));
        format!("{}.{key}.{iv}.{ciphertext}.{tag}", self.header)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn direct_encryption_round_trips() {
        let key = ContentKey::generate().unwrap();
        let text = Jwe::encrypt_direct(&key, "hsm_backup", b"data").unwrap().to_text();
        let header = decode_base64url(text.split('.').next().unwrap()).unwrap();
        assert_eq!(header, br#"{"alg":"dir","enc":"A256CBC-HS512","kid":"hsm_backup"}"#);
        let jwe = Jwe::parse_direct(&text).unwrap();
        assert_eq!(jwe.decrypt(&key).unwrap()[..], *b"data");
        assert_eq!(jwe.decrypt(&ContentKey::generate().unwrap()), Err(NotAuthentic));
        assert!(Jwe::parse_wrapped(&text).is_err());
    }

    #[test]
    fn rejects_other_forms() {
        let header = |json: &str| format!("{}....", base64url(json.as_bytes()));
        let accepted = r#"{"alg":"dir","enc":"A256CBC-HS512"}"#;
        assert!(Jwe::parse_direct(&header(accepted)).is_ok());
        for text in [
            String::new(),
            header(accepted) + ".",
            header(accepted).replace("....", "..."),
            header(accepted).replace("....", ".AA..."),
            header("{}"),
            header(r#"{"alg":"none","enc":"A256CBC-HS512"}"#),
            header(r#"{"alg":"dir","enc":"A128CBC-HS256"}"#),
            header(r#"{"alg":"dir","enc":"A256CBC-HS512","zip":"DEF"}"#),
            header(r#"{"alg":"dir","enc":"A256CBC-HS512","crit":["x"]}"#),
        ] {
            assert!(Jwe::parse_direct(&text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parses_any_text_without_panic(text in "([A-Za-z0-9_=-]{0,40}\\.?){0,7}|\\PC{0,80}") {
            let _ = Jwe::parse_direct(&text);
            let _ = Jwe::parse_wrapped(&text);
        }

        #[test]
        fn decrypts_any_contents_without_panic(iv: Vec<u8>, ciphertext: Vec<u8>, tag: Vec<u8>) {
            let jwe = Jwe { header: String::new(), key_id: None, encrypted_key: Vec::new(), encrypted: Encrypted { iv, ciphertext, tag } };
            prop_assert_eq!(jwe.decrypt(&ContentKey::generate().unwrap()), Err(NotAuthentic));
        }
    }
}
