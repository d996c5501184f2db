//! Algorithms by their JSON Web Algorithms names (RFC 7518, and Azure's own for AES-CBC and RSNULL),
//! and what each of them asks of its key and its input.

use super::key::{Curve, KeyType};
use super::{Error, Result};

/// Declares an enum whose variants are spelled as on the wire.
macro_rules! algorithms {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $(#[doc = concat!("`", $text, "`.")] $variant,)+ }

        impl $name {
            /// Every algorithm of this kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name on every surface.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(Error::invalid("algorithm", format!(
                        "{:?} is not one of {}", super::error::shorten(text), [$($text),+].join(", ")))),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

algorithms!(
    /// Signature and MAC algorithms. The caller hashes; the token signs the digest.
    SignatureAlgorithm {
        Rs256 = "RS256",
        Rs384 = "RS384",
        Rs512 = "RS512",
        Ps256 = "PS256",
        Ps384 = "PS384",
        Ps512 = "PS512",
        RsNull = "RSNULL",
        Es256 = "ES256",
        Es256K = "ES256K",
        Es384 = "ES384",
        Es512 = "ES512",
        Hs256 = "HS256",
        Hs384 = "HS384",
        Hs512 = "HS512",
    }
);

algorithms!(
    /// Encryption algorithms for data.
    EncryptionAlgorithm {
        Rsa15 = "RSA1_5",
        RsaOaep = "RSA-OAEP",
        RsaOaep256 = "RSA-OAEP-256",
        A128Gcm = "A128GCM",
        A192Gcm = "A192GCM",
        A256Gcm = "A256GCM",
        A128Cbc = "A128CBC",
        A192Cbc = "A192CBC",
        A256Cbc = "A256CBC",
        A128CbcPad = "A128CBCPAD",
        A192CbcPad = "A192CBCPAD",
        A256CbcPad = "A256CBCPAD",
    }
);

algorithms!(
    /// Algorithms that wrap a symmetric key handed in by the caller.
    WrapAlgorithm {
        Rsa15 = "RSA1_5",
        RsaOaep = "RSA-OAEP",
        RsaOaep256 = "RSA-OAEP-256",
        A128Kw = "A128KW",
        A192Kw = "A192KW",
        A256Kw = "A256KW",
    }
);

/// A hash function, as algorithms name it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hash {
    /// SHA-1, for `RSA-OAEP` alone.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The length of a digest, in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// How RSA encryption pads (RFC 8017, sections 7.1 and 7.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RsaPadding {
    /// EME-PKCS1-v1_5.
    Pkcs1,
    /// EME-OAEP with an empty label; MGF1 uses the same hash.
    Oaep(Hash),
}

impl RsaPadding {
    /// The longest plaintext for a modulus of `modulus` bytes.
    pub const fn longest_plaintext(self, modulus: usize) -> usize {
        match self {
            Self::Pkcs1 => modulus - 11,
            Self::Oaep(hash) => modulus - 2 * hash.digest_len() - 2,
        }
    }
}

/// How AES encrypts data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AesMode {
    /// NIST SP 800-38D; 12-byte IV made by the service, 16-byte tag.
    Gcm,
    /// NIST SP 800-38A, no padding of its own; the caller gives the 16-byte IV.
    Cbc,
    /// CBC with PKCS#7 padding; the caller gives the 16-byte IV.
    CbcPad,
}

/// What an encryption algorithm is made of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cipher {
    /// Public-key encryption.
    Rsa(RsaPadding),
    /// AES with a key of this many bits.
    Aes(AesMode, u16),
}

/// What a wrapping algorithm is made of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wrap {
    /// Public-key encryption of the key.
    Rsa(RsaPadding),
    /// AES Key Wrap (RFC 3394) with a key of this many bits.
    AesKw(u16),
}

/// What a signature algorithm is made of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Signature {
    /// RSASSA-PKCS1-v1_5 over a digest; the service builds the `DigestInfo`.
    Pkcs1(Hash),
    /// RSASSA-PKCS1-v1_5 padding of the caller's own bytes, without `DigestInfo`.
    Pkcs1Raw,
    /// RSASSA-PSS; the salt is as long as the digest (RFC 7518, section 3.5).
    Pss(Hash),
    /// ECDSA, in JOSE form: `r || s`, each as wide as the curve's field.
    Ecdsa(Curve),
    /// HMAC over the caller's bytes.
    Hmac(Hash),
}

impl SignatureAlgorithm {
    /// The primitive behind the name.
    pub const fn primitive(self) -> Signature {
        match self {
            Self::Rs256 => Signature::Pkcs1(Hash::Sha256),
            Self::Rs384 => Signature::Pkcs1(Hash::Sha384),
            Self::Rs512 => Signature::Pkcs1(Hash::Sha512),
            Self::Ps256 => Signature::Pss(Hash::Sha256),
            Self::Ps384 => Signature::Pss(Hash::Sha384),
            Self::Ps512 => Signature::Pss(Hash::Sha512),
            Self::RsNull => Signature::Pkcs1Raw,
            Self::Es256 => Signature::Ecdsa(Curve::P256),
            Self::Es256K => Signature::Ecdsa(Curve::P256K),
            Self::Es384 => Signature::Ecdsa(Curve::P384),
            Self::Es512 => Signature::Ecdsa(Curve::P521),
            Self::Hs256 => Signature::Hmac(Hash::Sha256),
            Self::Hs384 => Signature::Hmac(Hash::Sha384),
            Self::Hs512 => Signature::Hmac(Hash::Sha512),
        }
    }

    /// The hash whose digest this algorithm takes; `None` where it takes the caller's own bytes.
    pub const fn hash(self) -> Option<Hash> {
        match self.primitive() {
            Signature::Pkcs1(hash) | Signature::Pss(hash) | Signature::Hmac(hash) => Some(hash),
            Signature::Pkcs1Raw => None,
            Signature::Ecdsa(Curve::P256 | Curve::P256K) => Some(Hash::Sha256),
            Signature::Ecdsa(Curve::P384) => Some(Hash::Sha384),
            Signature::Ecdsa(Curve::P521) => Some(Hash::Sha512),
        }
    }

    /// Whether this key and this digest fit the algorithm.
    ///
    /// # Errors
    /// `Invalid` naming `algorithm` or `digest`.
    pub fn check(self, key: KeyType, digest: &[u8]) -> Result<()> {
        let fits = match (self.primitive(), key) {
            (Signature::Pkcs1(_) | Signature::Pkcs1Raw | Signature::Pss(_), KeyType::Rsa { .. })
            | (Signature::Hmac(_), KeyType::Oct { .. }) => true,
            (Signature::Ecdsa(wanted), KeyType::Ec { curve }) => wanted == curve,
            _ => false,
        };
        if !fits {
            return Err(mismatch(self.as_str(), key));
        }
        match (self.primitive(), key) {
            (Signature::Pkcs1Raw, KeyType::Rsa { bits }) => {
                let longest = usize::from(bits) / 8 - 11;
                if digest.is_empty() || digest.len() > longest {
                    return Err(Error::invalid(
                        "digest",
                        format!(
                            "RSNULL takes 1 to {longest} bytes with this key, {} were given",
                            digest.len()
                        ),
                    ));
                }
            }
            _ => {
                let wanted = self.hash().map_or(0, Hash::digest_len);
                if digest.len() != wanted {
                    return Err(Error::invalid(
                        "digest",
                        format!("{self} takes a digest of {wanted} bytes, {} were given", digest.len()),
                    ));
                }
            }
        }
        Ok(())
    }

    /// The length of a signature by a key of this type, in bytes.
    pub const fn signature_len(self, key: KeyType) -> usize {
        match (self.primitive(), key) {
            (Signature::Hmac(hash), _) => hash.digest_len(),
            (_, KeyType::Rsa { bits }) => bits as usize / 8,
            (_, KeyType::Ec { curve }) => 2 * curve.field_len(),
            (_, KeyType::Oct { .. }) => 0,
        }
    }
}

impl EncryptionAlgorithm {
    /// The primitive behind the name.
    pub const fn primitive(self) -> Cipher {
        match self {
            Self::Rsa15 => Cipher::Rsa(RsaPadding::Pkcs1),
            Self::RsaOaep => Cipher::Rsa(RsaPadding::Oaep(Hash::Sha1)),
            Self::RsaOaep256 => Cipher::Rsa(RsaPadding::Oaep(Hash::Sha256)),
            Self::A128Gcm => Cipher::Aes(AesMode::Gcm, 128),
            Self::A192Gcm => Cipher::Aes(AesMode::Gcm, 192),
            Self::A256Gcm => Cipher::Aes(AesMode::Gcm, 256),
            Self::A128Cbc => Cipher::Aes(AesMode::Cbc, 128),
            Self::A192Cbc => Cipher::Aes(AesMode::Cbc, 192),
            Self::A256Cbc => Cipher::Aes(AesMode::Cbc, 256),
            Self::A128CbcPad => Cipher::Aes(AesMode::CbcPad, 128),
            Self::A192CbcPad => Cipher::Aes(AesMode::CbcPad, 192),
            Self::A256CbcPad => Cipher::Aes(AesMode::CbcPad, 256),
        }
    }

    /// Whether a key of this type can be used with the algorithm.
    ///
    /// # Errors
    /// `Invalid` naming `algorithm`.
    pub fn check(self, key: KeyType) -> Result<()> {
        match (self.primitive(), key) {
            (Cipher::Rsa(_), KeyType::Rsa { .. }) => Ok(()),
            (Cipher::Aes(_, wanted), KeyType::Oct { bits }) if wanted == bits => Ok(()),
            _ => Err(mismatch(self.as_str(), key)),
        }
    }
}

impl WrapAlgorithm {
    /// The primitive behind the name.
    pub const fn primitive(self) -> Wrap {
        match self {
            Self::Rsa15 => Wrap::Rsa(RsaPadding::Pkcs1),
            Self::RsaOaep => Wrap::Rsa(RsaPadding::Oaep(Hash::Sha1)),
            Self::RsaOaep256 => Wrap::Rsa(RsaPadding::Oaep(Hash::Sha256)),
            Self::A128Kw => Wrap::AesKw(128),
            Self::A192Kw => Wrap::AesKw(192),
            Self::A256Kw => Wrap::AesKw(256),
        }
    }

    /// Whether a key of this type can be used with the algorithm.
    ///
    /// # Errors
    /// `Invalid` naming `algorithm`.
    pub fn check(self, key: KeyType) -> Result<()> {
        match (self.primitive(), key) {
            (Wrap::Rsa(_), KeyType::Rsa { .. }) => Ok(()),
            (Wrap::AesKw(wanted), KeyType::Oct { bits }) if wanted == bits => Ok(()),
            _ => Err(mismatch(self.as_str(), key)),
        }
    }
}

fn mismatch(algorithm: &str, key: KeyType) -> Error {
    Error::invalid("algorithm", format!("{algorithm} cannot be used with a key of type {key}"))
}
