//! The capabilities of a token, as measured by known-answer tests.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::algorithm::{Hash, RsaPadding};
use crate::model::key::{Curve, KeyType};
use crate::model::{Error, Result};

/// A capability of a token that the service uses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Feature {
    /// AES keys.
    Aes,
    /// AES-CBC without padding.
    AesCbc,
    /// AES-CBC with PKCS#7 padding.
    AesCbcPad,
    /// AES-GCM with a supplied 12-byte IV and a 16-byte tag.
    AesGcm,
    /// AES Key Wrap (RFC 3394) of bytes; the fallback is AES-ECB with the chaining on the host.
    AesKeyWrap,
    /// The token rejects mechanisms that `CKA_ALLOWED_MECHANISMS` does not list.
    AllowedMechanisms,
    /// Keys and signatures on P-256.
    EcP256,
    /// Keys and signatures on secp256k1.
    EcP256K,
    /// Keys and signatures on P-384.
    EcP384,
    /// Keys and signatures on P-521.
    EcP521,
    /// HMAC-SHA-256; the fallback pads keys shorter than the hash with zeros.
    HmacSha256,
    /// HMAC-SHA-384; the fallback is that of [`Self::HmacSha256`].
    HmacSha384,
    /// HMAC-SHA-512; the fallback is that of [`Self::HmacSha256`].
    HmacSha512,
    /// An HMAC key with the bytes of an AES key, created inside the token by wrapping and unwrapping.
    HmacCompanion,
    /// An HMAC key with the bytes of an AES key, padded with zeros, created inside the token by derivation.
    HmacCompanionPadded,
    /// RSA keys and PKCS#1 v1.5 signatures.
    Rsa,
    /// RSA-OAEP with SHA-1; the fallback is raw RSA with the padding decoded on the host.
    RsaOaep,
    /// RSA-OAEP with SHA-256; the fallback is that of [`Self::RsaOaep`].
    RsaOaep256,
    /// PKCS#1 v1.5 decryption, always by raw RSA: tokens report padding errors in different ways.
    RsaPkcs1Decrypt,
    /// RSA-PSS signatures.
    RsaPss,
    /// Session-object copies of keys (`C_CopyObject` with `CKA_TOKEN` false).
    SessionCopies,
    /// The token refuses to wrap keys that are not extractable.
    UnextractableEnforced,
    /// EC keys are wrapped with AES Key Wrap with Padding (RFC 5649), and unwrapped.
    WrapEcKeys,
    /// RSA keys are wrapped and unwrapped likewise.
    WrapRsaKeys,
    /// AES keys and their HMAC companions are wrapped and unwrapped likewise.
    WrapSecretKeys,
    /// The token refuses to wrap with keys that do not have `CKA_WRAP`.
    WrapUsageEnforced,
}

/// How a token supports a [`Feature`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Support {
    /// Implemented by the token; a known-answer test passes.
    Native,
    /// Implemented with the help of the host; private and secret key material stays in the token.
    Assisted,
    /// Not supported.
    Absent,
}

/// The capabilities of a token, measured when it is first opened.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Capabilities(BTreeMap<Feature, Support>);

impl Capabilities {
    /// Returns how the token supports `feature`.
    pub fn of(&self, feature: Feature) -> Support {
        self.0.get(&feature).copied().unwrap_or(Support::Absent)
    }

    /// Whether the token supports `feature`, natively or assisted.
    pub fn has(&self, feature: Feature) -> bool {
        self.of(feature) != Support::Absent
    }

    /// Iterates over all measured features, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Feature, Support)> {
        self.0.iter().map(|(feature, support)| (*feature, *support))
    }

    /// Checks that the token can generate and import keys of this type.
    ///
    /// # Errors
    /// `Unsupported` if it cannot.
    pub fn check(&self, key_type: KeyType) -> Result<()> {
        let feature = match key_type {
            KeyType::Rsa { .. } => Feature::Rsa,
            KeyType::Ec { curve } => Feature::of_curve(curve),
            KeyType::Oct { .. } => Feature::Aes,
        };
        self.require(feature, || format!("keys of type {key_type}"))
    }

    /// Errors with `Unsupported`, naming `what`, if the token lacks `feature`.
    pub(super) fn require(&self, feature: Feature, what: impl FnOnce() -> String) -> Result<()> {
        if self.has(feature) {
            Ok(())
        } else {
            Err(Error::Unsupported { what: format!("the token does not support {}", what()) })
        }
    }

    /// Whether to set `CKA_ALLOWED_MECHANISMS`: only if the token enforces it.
    pub(super) fn restrict_mechanisms(&self) -> bool {
        self.of(Feature::AllowedMechanisms) == Support::Native
    }

    pub(super) fn set(&mut self, feature: Feature, support: Support) {
        self.0.insert(feature, support);
    }
}

impl Feature {
    /// The feature for keys on a curve.
    pub(crate) const fn of_curve(curve: Curve) -> Self {
        match curve {
            Curve::P256 => Self::EcP256,
            Curve::P256K => Self::EcP256K,
            Curve::P384 => Self::EcP384,
            Curve::P521 => Self::EcP521,
        }
    }

    /// The feature for HMAC with a hash; `None` for SHA-1, which no algorithm of the service uses.
    pub(crate) const fn of_hmac(hash: Hash) -> Option<Self> {
        match hash {
            Hash::Sha1 => None,
            Hash::Sha256 => Some(Self::HmacSha256),
            Hash::Sha384 => Some(Self::HmacSha384),
            Hash::Sha512 => Some(Self::HmacSha512),
        }
    }

    /// The feature for RSA decryption with a padding; `None` for OAEP with hashes that no algorithm uses.
    pub(crate) const fn of_padding(padding: RsaPadding) -> Option<Self> {
        match padding {
            RsaPadding::Pkcs1 => Some(Self::RsaPkcs1Decrypt),
            RsaPadding::Oaep(Hash::Sha1) => Some(Self::RsaOaep),
            RsaPadding::Oaep(Hash::Sha256) => Some(Self::RsaOaep256),
            RsaPadding::Oaep(Hash::Sha384 | Hash::Sha512) => None,
        }
    }

    /// The display name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aes => "AES keys",
            Self::AesCbc => "AES-CBC",
            Self::AesCbcPad => "AES-CBC with padding",
            Self::AesGcm => "AES-GCM",
            Self::AesKeyWrap => "AES Key Wrap",
            Self::AllowedMechanisms => "allowed mechanisms enforced",
            Self::EcP256 => "EC P-256",
            Self::EcP256K => "EC P-256K",
            Self::EcP384 => "EC P-384",
            Self::EcP521 => "EC P-521",
            Self::HmacSha256 => "HMAC-SHA-256",
            Self::HmacSha384 => "HMAC-SHA-384",
            Self::HmacSha512 => "HMAC-SHA-512",
            Self::HmacCompanion => "AES and HMAC with one key",
            Self::HmacCompanionPadded => "AES and HMAC with one short key",
            Self::Rsa => "RSA keys and PKCS#1 v1.5 signatures",
            Self::RsaOaep => "RSA-OAEP",
            Self::RsaOaep256 => "RSA-OAEP-256",
            Self::RsaPkcs1Decrypt => "RSA1_5 decryption",
            Self::RsaPss => "RSA-PSS signatures",
            Self::SessionCopies => "session copies of keys",
            Self::UnextractableEnforced => "refuses to wrap unextractable keys",
            Self::WrapEcKeys => "wrapping EC keys for backups",
            Self::WrapRsaKeys => "wrapping RSA keys for backups",
            Self::WrapSecretKeys => "wrapping AES keys for backups",
            Self::WrapUsageEnforced => "refuses to wrap with other keys",
        }
    }
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Native => "yes",
            Self::Assisted => "with the host's help",
            Self::Absent => "no",
        })
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (feature, support) in self.iter() {
            writeln!(f, "  {:<38} {support}", feature.as_str())?;
        }
        Ok(())
    }
}
