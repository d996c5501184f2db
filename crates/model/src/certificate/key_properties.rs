//! The key and the secret that a certificate policy asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::curve::Curve;
use crate::key::KeyType;
use crate::{Error, Field, Result};

/// The key of new versions of a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyProperties {
    /// RSA with a size, or EC with a curve.
    pub key_type: KeyType,
    /// Whether the type is `RSA-HSM` or `EC-HSM`, otherwise `RSA` or `EC`.
    pub hsm: bool,
    /// Whether the private key is in the companion secret.
    pub exportable: bool,
    /// Whether a new version has the key of the one before.
    pub reuse_key: bool,
}

/// The members of a request; `None` means not given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyMembers {
    /// `kty`
    pub kty: Option<String>,
    /// `key_size`
    pub key_size: Option<u32>,
    /// `crv`
    pub crv: Option<String>,
    /// `exportable`
    pub exportable: Option<bool>,
    /// `reuse_key`
    pub reuse_key: Option<bool>,
}

impl KeyProperties {
    /// Parses the members of a request. The defaults are RSA with 2048 bits or the curve P-256, not reused, and exportable unless the
    /// key is protected by hardware.
    ///
    /// # Errors
    /// `Invalid` naming the field.
    pub fn parse(members: &KeyMembers) -> Result<Self> {
        let kty = members.kty.as_deref().unwrap_or("RSA");
        let (key_type, hsm) = match kty {
            "RSA" | "RSA-HSM" => (rsa(members)?, kty == "RSA-HSM"),
            "EC" | "EC-HSM" => (ec(members)?, kty == "EC-HSM"),
            _ => {
                return Err(Error::invalid(
                    Field::PolicyKeyKty,
                    "the key type of a certificate is RSA, RSA-HSM, EC or EC-HSM",
                ));
            }
        };
        let exportable = members.exportable.unwrap_or(!hsm);
        if hsm && exportable {
            return Err(Error::invalid(
                Field::PolicyKeyExportable,
                format!("a key of type {kty} is not exportable"),
            ));
        }
        Ok(Self { key_type, hsm, exportable, reuse_key: members.reuse_key.unwrap_or(false) })
    }

    /// Returns the properties of an imported certificate whose policy does not state them, as recorded.
    pub const fn imported(key_type: KeyType) -> Self {
        Self { key_type, hsm: false, exportable: true, reuse_key: false }
    }

    /// Checks that the vault has keys of this protection.
    ///
    /// # Errors
    /// `Invalid` naming `policy.key.kty`.
    pub(super) fn check_protection(&self, premium: bool) -> Result<()> {
        if self.hsm && !premium {
            return Err(Error::invalid(
                Field::PolicyKeyKty,
                format!("a vault of sku standard has no keys of type {}", self.kty()),
            ));
        }
        Ok(())
    }

    /// Returns the `kty`.
    pub const fn kty(&self) -> &'static str {
        match (self.key_type, self.hsm) {
            (KeyType::Rsa { .. }, false) => "RSA",
            (KeyType::Rsa { .. }, true) => "RSA-HSM",
            (KeyType::Ec { .. }, false) => "EC",
            (KeyType::Ec { .. }, true) => "EC-HSM",
            (KeyType::Oct { .. }, _) => "oct",
        }
    }

    /// Returns the `key_size`: bits of the modulus or of the curve.
    pub const fn key_size(&self) -> u16 {
        match self.key_type {
            KeyType::Rsa { bits } | KeyType::Oct { bits } => bits,
            KeyType::Ec { curve } => curve_bits(curve),
        }
    }

    /// Returns the curve; `None` for RSA.
    pub const fn crv(&self) -> Option<Curve> {
        match self.key_type {
            KeyType::Ec { curve } => Some(curve),
            KeyType::Rsa { .. } | KeyType::Oct { .. } => None,
        }
    }
}

const fn curve_bits(curve: Curve) -> u16 {
    match curve {
        Curve::P256 | Curve::P256K => 256,
        Curve::P384 => 384,
        Curve::P521 => 521,
    }
}

fn rsa(members: &KeyMembers) -> Result<KeyType> {
    if members.crv.is_some() {
        return Err(Error::invalid(Field::PolicyKeyCrv, "an RSA key has no curve"));
    }
    match members.key_size.unwrap_or(2048) {
        2048 => Ok(KeyType::Rsa { bits: 2048 }),
        3072 => Ok(KeyType::Rsa { bits: 3072 }),
        4096 => Ok(KeyType::Rsa { bits: 4096 }),
        _ => Err(Error::invalid(Field::PolicyKeySize, "an RSA key has 2048, 3072 or 4096 bits")),
    }
}

/// The curve by its name, or without one by its size; both must agree.
fn ec(members: &KeyMembers) -> Result<KeyType> {
    let named = members.crv.as_deref().map(|name| Curve::parse(Field::PolicyKeyCrv, name)).transpose()?;
    let curve = match (named, members.key_size) {
        (Some(curve), None) => curve,
        (Some(curve), Some(size)) if u32::from(curve_bits(curve)) == size => curve,
        (Some(curve), Some(size)) => {
            return Err(Error::invalid(Field::PolicyKeySize, format!("{curve} does not have {size} bits")));
        }
        (None, None | Some(256)) => Curve::P256,
        (None, Some(384)) => Curve::P384,
        (None, Some(521)) => Curve::P521,
        (None, Some(_)) => {
            return Err(Error::invalid(Field::PolicyKeySize, "an EC key has 256, 384 or 521 bits"));
        }
    };
    Ok(KeyType::Ec { curve })
}

/// The format of the companion secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum ContentType {
    /// PKCS#12, in base64.
    #[default]
    #[serde(rename = "application/x-pkcs12")]
    Pkcs12,
    /// PEM.
    #[serde(rename = "application/x-pem-file")]
    Pem,
}

impl ContentType {
    /// Returns the media type that every surface uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pkcs12 => "application/x-pkcs12",
            Self::Pem => "application/x-pem-file",
        }
    }
}

impl FromStr for ContentType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = [Self::Pkcs12, Self::Pem];
        known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::invalid(
                Field::PolicySecretContentType,
                "the content type is application/x-pkcs12 or application/x-pem-file",
            )
        })
    }
}

impl fmt::Display for ContentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(kty: &str, key_size: u32, crv: &str, exportable: Option<bool>) -> KeyMembers {
        KeyMembers {
            kty: (!kty.is_empty()).then(|| kty.to_owned()),
            key_size: (key_size > 0).then_some(key_size),
            crv: (!crv.is_empty()).then(|| crv.to_owned()),
            exportable,
            reuse_key: None,
        }
    }

    #[test]
    fn members_have_recorded_defaults() {
        for (given, kty, key_size, crv, exportable) in [
            (members("", 0, "", None), "RSA", 2048, None, true),
            (members("RSA-HSM", 4096, "", None), "RSA-HSM", 4096, None, false),
            (members("EC", 0, "", Some(false)), "EC", 256, Some(Curve::P256), false),
            (members("EC", 384, "", None), "EC", 384, Some(Curve::P384), true),
            (members("EC", 256, "P-256K", None), "EC", 256, Some(Curve::P256K), true),
            (members("EC-HSM", 0, "P-521", None), "EC-HSM", 521, Some(Curve::P521), false),
        ] {
            let key = KeyProperties::parse(&given).unwrap();
            assert_eq!(
                (key.kty(), key.key_size(), key.crv(), key.exportable),
                (kty, key_size, crv, exportable)
            );
            assert!(!key.reuse_key);
        }
    }

    #[test]
    fn rejects_keys_that_vaults_do_not_have() {
        for (given, field) in [
            (members("oct", 0, "", None), "kty"),
            (members("rsa", 0, "", None), "kty"),
            (members("RSA", 1024, "", None), "key_size"),
            (members("RSA", 0, "P-256", None), "crv"),
            (members("EC", 2048, "", None), "key_size"),
            (members("EC", 256, "P-384", None), "key_size"),
            (members("EC", 0, "P-192", None), "crv"),
            (members("RSA-HSM", 0, "", Some(true)), "exportable"),
        ] {
            let error = KeyProperties::parse(&given).unwrap_err().to_string();
            assert!(error.starts_with(&format!("policy.key.{field}: ")), "{error}");
        }
        let hsm = KeyProperties::parse(&members("EC-HSM", 0, "", None)).unwrap();
        assert!(hsm.check_protection(true).is_ok() && hsm.check_protection(false).is_err());
        assert!("text/plain".parse::<ContentType>().is_err());
        assert_eq!("application/x-pem-file".parse(), Ok(ContentType::Pem));
    }
}
