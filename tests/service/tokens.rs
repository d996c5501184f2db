//! Bearer tokens made by hand, with keys of our own or with a stolen one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

/// A key that signs tokens: RS256, by RustCrypto.
pub(crate) struct Signer(rsa::RsaPrivateKey);

impl Signer {
    /// A new key.
    pub(crate) fn new() -> Self {
        let pair =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        Self(rsa::RsaPrivateKey::from_pkcs8_der(pair.serialized_der()).unwrap())
    }

    /// The key in a file.
    pub(crate) fn stolen(path: &std::path::Path) -> Self {
        Self::of(&std::fs::read_to_string(path).unwrap())
    }

    /// The key in a text that holds nothing else.
    pub(crate) fn of(pem: &str) -> Self {
        Self(rsa::RsaPrivateKey::from_pkcs8_pem(pem).unwrap())
    }

    /// Its public half, as an issuer publishes it.
    pub(crate) fn jwks(&self, kid: &str) -> Value {
        json!({"keys": [{"kty": "RSA", "use": "sig", "kid": kid,
            "n": encode(self.0.n().to_bytes_be()), "e": encode(self.0.e().to_bytes_be())}]})
    }

    /// Its public half as a file holds it.
    pub(crate) fn public_pem(&self) -> String {
        self.0.to_public_key().to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap()
    }

    /// A token.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let key = rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new(self.0.clone());
        format!("{message}.{}", encode(key.sign(message.as_bytes()).to_vec()))
    }
}

/// Base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Header, claims and signature of a token.
pub(crate) fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

/// One of the first two parts, read.
pub(crate) fn read(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Claims with some changed; null removes one.
pub(crate) fn but(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}
