//! Creates and decodes access tokens, signed with a new key or with the authority's key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _};
use rsa::signature::{SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};

/// A key that signs access tokens with RS256.
pub(crate) struct Signer(rsa::RsaPrivateKey);

impl Signer {
    /// Generates a key.
    pub(crate) fn new() -> Self {
        let pair =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        Self(rsa::RsaPrivateKey::from_pkcs8_der(pair.serialized_der()).unwrap())
    }

    /// Reads a key from a PEM file.
    pub(crate) fn from_file(path: &std::path::Path) -> Self {
        Self::from_pem(&std::fs::read_to_string(path).unwrap())
    }

    /// Parses a key from PEM.
    pub(crate) fn from_pem(pem: &str) -> Self {
        Self(rsa::RsaPrivateKey::from_pkcs8_pem(pem).unwrap())
    }

    /// Returns the public key as a JWKS.
    pub(crate) fn jwks(&self, kid: &str) -> Value {
        json!({"keys": [{"kty": "RSA", "use": "sig", "kid": kid,
            "n": encode(self.0.n().to_bytes_be()), "e": encode(self.0.e().to_bytes_be())}]})
    }

    /// Returns the public key as PEM.
    pub(crate) fn public_pem(&self) -> String {
        self.0.to_public_key().to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap()
    }

    /// Signs a token.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let key = rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new(self.0.clone());
        format!("{message}.{}", encode(key.sign(message.as_bytes()).to_vec()))
    }
}

/// Encodes base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Splits a token into header, claims and signature.
pub(crate) fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().unwrap()
}

/// Decodes the header or the claims of a token.
pub(crate) fn read(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Returns claims with some changed; null removes a claim.
pub(crate) fn with_changes(claims: &Value, changes: &Value) -> Value {
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
