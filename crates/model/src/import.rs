//! Key material for import, and its encoding.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::key::{Curve, KeyType};

/// Private or secret key material to import into the token: big-endian, zeroized when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub enum ImportMaterial {
    /// An RSA private key with its CRT parameters (RFC 8017, section 3.2).
    Rsa {
        /// Modulus.
        n: Vec<u8>,
        /// Public exponent.
        e: Vec<u8>,
        /// Private exponent.
        d: Vec<u8>,
        /// First prime.
        p: Vec<u8>,
        /// Second prime.
        q: Vec<u8>,
        /// `d mod (p-1)`.
        dp: Vec<u8>,
        /// `d mod (q-1)`.
        dq: Vec<u8>,
        /// `q^-1 mod p`.
        qi: Vec<u8>,
    },
    /// An elliptic-curve private key.
    Ec {
        /// The curve.
        #[zeroize(skip)]
        crv: Curve,
        /// Affine x.
        x: Vec<u8>,
        /// Affine y.
        y: Vec<u8>,
        /// The scalar.
        d: Vec<u8>,
    },
    /// A secret key.
    Oct {
        /// The bytes.
        k: Vec<u8>,
    },
}

impl ImportMaterial {
    /// Returns type and size, derived from the lengths of the members.
    pub fn key_type(&self) -> KeyType {
        let bits = |bytes: &[u8]| u16::try_from(bytes.len() * 8).unwrap_or(u16::MAX);
        match self {
            Self::Rsa { n, .. } => KeyType::Rsa { bits: bits(n) },
            Self::Ec { crv, .. } => KeyType::Ec { curve: *crv },
            Self::Oct { k } => KeyType::Oct { bits: bits(k) },
        }
    }
}

impl std::fmt::Debug for ImportMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ImportMaterial({})", self.key_type())
    }
}
