//! Elliptic curves by their JSON Web Key names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Error, Field, Result};

/// An elliptic curve, by its JSON Web Key name (RFC 7518; Azure says `P-256K` for secp256k1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Curve {
    /// NIST P-256.
    #[serde(rename = "P-256")]
    P256,
    /// secp256k1.
    #[serde(rename = "P-256K")]
    P256K,
    /// NIST P-384.
    #[serde(rename = "P-384")]
    P384,
    /// NIST P-521.
    #[serde(rename = "P-521")]
    P521,
}

impl Curve {
    /// Every curve of Managed HSM.
    pub const ALL: [Self; 4] = [Self::P256, Self::P256K, Self::P384, Self::P521];

    /// Returns the name that every surface uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P256K => "P-256K",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Returns the width of a coordinate in bytes.
    pub const fn field_len(self) -> usize {
        match self {
            Self::P256 | Self::P256K => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl Curve {
    /// Parses the name of a curve. RFC 8812 calls `P-256K` secp256k1, and az sends `SECP256K1`.
    ///
    /// # Errors
    /// `Invalid` naming `field`.
    pub fn parse(field: Field, text: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("secp256k1") {
            return Ok(Self::P256K);
        }
        Self::ALL
            .into_iter()
            .find(|curve| curve.as_str() == text)
            .ok_or_else(|| Error::invalid(field, "the curve is one of P-256, P-256K, P-384, P-521"))
    }
}

impl FromStr for Curve {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(Field::Crv, text)
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
