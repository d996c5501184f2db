//! Keys, key versions, their attributes, and the rules for using them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::container_id::{ContainerId, ContainerKind};
pub use super::curve::Curve;
use super::due::Notices;
use super::key_date::KeyDate;
pub use super::key_operations::{KeyOperation, KeyOperations};
use super::mode_family::ModeFamily;
use super::name::{KeyName, VersionId};
use super::retention::Deletion;
use super::rotation::RotationPolicy;
pub use super::tags::Tags;
use super::{Error, Field, Result, Timestamp};

/// The type of a key, with its size or curve. Managed HSM has HSM-protected types only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyType {
    /// `RSA-HSM`.
    Rsa {
        /// Modulus bits: 2048, 3072 or 4096.
        bits: u16,
    },
    /// `EC-HSM`.
    Ec {
        /// The curve.
        curve: Curve,
    },
    /// `oct-HSM`.
    Oct {
        /// Key bits: 128, 192 or 256.
        bits: u16,
    },
}

/// What protects the private or secret key. In this service every key is in a token; keys protected by software exist in vaults
/// only, where clients tell them apart by their type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// Hardware: the types that end with `-HSM`. All keys of a managed HSM have it.
    #[default]
    Hsm,
    /// Software.
    Software,
}

impl Protection {
    /// Returns what the name of a key type asks for.
    pub fn of_kty(kty: &str) -> Self {
        if kty.ends_with("-HSM") { Self::Hsm } else { Self::Software }
    }

    /// Returns the name under which it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hsm => "hsm",
            Self::Software => "software",
        }
    }
}

impl FromStr for Protection {
    type Err = Error;

    /// Parses [`Self::as_str`].
    fn from_str(text: &str) -> Result<Self> {
        let known = [Self::Hsm, Self::Software].into_iter().find(|one| one.as_str() == text);
        known.ok_or_else(|| Error::internal("a key is protected by hsm or software"))
    }
}

impl KeyType {
    /// Returns the `kty` that every surface reports.
    pub const fn kty(self, protection: Protection) -> &'static str {
        match (self, protection) {
            (Self::Rsa { .. }, Protection::Hsm) => "RSA-HSM",
            (Self::Rsa { .. }, Protection::Software) => "RSA",
            (Self::Ec { .. }, Protection::Hsm) => "EC-HSM",
            (Self::Ec { .. }, Protection::Software) => "EC",
            (Self::Oct { .. }, Protection::Hsm) => "oct-HSM",
            (Self::Oct { .. }, Protection::Software) => "oct",
        }
    }

    /// Returns the operations of a key created without `key_ops` in this kind of container (as recorded from Azure).
    pub fn default_operations(self, kind: ContainerKind) -> KeyOperations {
        let names: &[KeyOperation] = match self {
            // assumption: vaults do not derive keys.
            Self::Ec { .. } if kind == ContainerKind::Vault => &[KeyOperation::Sign, KeyOperation::Verify],
            Self::Rsa { .. } | Self::Oct { .. } => &[
                KeyOperation::Encrypt,
                KeyOperation::Decrypt,
                KeyOperation::Sign,
                KeyOperation::Verify,
                KeyOperation::WrapKey,
                KeyOperation::UnwrapKey,
            ],
            Self::Ec { .. } => &[KeyOperation::Sign, KeyOperation::Verify, KeyOperation::DeriveKey],
        };
        names.iter().copied().collect()
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA with {bits} bits"),
            Self::Ec { curve } => write!(f, "EC on {curve}"),
            Self::Oct { bits } => write!(f, "oct with {bits} bits"),
        }
    }
}

/// The parameters of key generation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct KeySpec {
    /// Type and size, validated.
    pub key_type: KeyType,
    /// The RSA public exponent; 65537 unless chosen. Ignored for other types.
    pub public_exponent: u32,
}

impl KeySpec {
    /// Parses a request's `kty`, size, curve and public exponent; `None` means the default (2048 bits, P-256,
    /// 256 bits, 65537). `RSA`, `EC` and `oct` mean their `-HSM` types, as recorded.
    ///
    /// # Errors
    /// `Invalid` naming the field.
    pub fn parse(
        kty: &str,
        size: Option<u32>,
        curve: Option<&str>,
        public_exponent: Option<u32>,
    ) -> Result<Self> {
        let reject = |given: bool, field: Field| {
            if given {
                Err(Error::invalid(
                    field,
                    format!("{field} does not apply to {}", super::error::shorten(kty)),
                ))
            } else {
                Ok(())
            }
        };
        let key_type = match kty {
            "RSA" | "RSA-HSM" => {
                reject(curve.is_some(), Field::Crv)?;
                KeyType::Rsa { bits: choose(size, 2048, &[2048, 3072, 4096])? }
            }
            "EC" | "EC-HSM" => {
                reject(size.is_some(), Field::KeySize)?;
                reject(public_exponent.is_some(), Field::PublicExponent)?;
                KeyType::Ec { curve: curve.map_or(Ok(Curve::P256), str::parse)? }
            }
            "oct" | "oct-HSM" => {
                reject(curve.is_some(), Field::Crv)?;
                reject(public_exponent.is_some(), Field::PublicExponent)?;
                KeyType::Oct { bits: choose(size, 256, &[128, 192, 256])? }
            }
            _ => {
                return Err(Error::invalid(
                    Field::Kty,
                    "the key type is one of RSA, RSA-HSM, EC, EC-HSM, oct-HSM",
                ));
            }
        };
        match public_exponent.unwrap_or(65537) {
            wrong if wrong < 3 || wrong % 2 == 0 => {
                Err(Error::invalid(Field::PublicExponent, "an RSA public exponent is odd and at least 3"))
            }
            public_exponent => Ok(Self { key_type, public_exponent }),
        }
    }
}

fn choose(given: Option<u32>, default: u16, allowed: &[u16]) -> Result<u16> {
    let Some(given) = given else { return Ok(default) };
    allowed
        .iter()
        .copied()
        .find(|bits| u32::from(*bits) == given)
        .ok_or_else(|| Error::invalid(Field::KeySize, format!("the key size is one of {allowed:?} bits")))
}

/// The public half of a key, or the size of a secret key. Private and secret bytes stay in the token and are
/// never held by the process.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicMaterial {
    /// An RSA public key; big-endian, no leading zeros.
    #[serde(rename = "RSA-HSM")]
    Rsa {
        /// Modulus.
        #[serde(with = "super::base64::base64url")]
        n: Vec<u8>,
        /// Public exponent.
        #[serde(with = "super::base64::base64url")]
        e: Vec<u8>,
    },
    /// An elliptic-curve public key; coordinates are as wide as the field.
    #[serde(rename = "EC-HSM")]
    Ec {
        /// The curve.
        crv: Curve,
        /// Affine x.
        #[serde(with = "super::base64::base64url")]
        x: Vec<u8>,
        /// Affine y.
        #[serde(with = "super::base64::base64url")]
        y: Vec<u8>,
    },
    /// A secret key; only its size is public.
    #[serde(rename = "oct-HSM")]
    Oct {
        /// Key bits.
        key_size: u16,
    },
}

impl PublicMaterial {
    /// Returns type and size of the key.
    pub fn key_type(&self) -> KeyType {
        match self {
            // A modulus has its top bit set, so its size is the number of bytes times eight.
            Self::Rsa { n, .. } => KeyType::Rsa { bits: u16::try_from(n.len() * 8).unwrap_or(u16::MAX) },
            Self::Ec { crv, .. } => KeyType::Ec { curve: *crv },
            Self::Oct { key_size } => KeyType::Oct { bits: *key_size },
        }
    }
}

/// Parses a list of key operations for a key of this type.
///
/// # Errors
/// `Invalid` naming `key_ops` if one is unknown, does not fit the type, or `import` is combined with others.
pub fn parse_operations<T: AsRef<str>>(names: &[T], key_type: KeyType) -> Result<KeyOperations> {
    let operations = names.iter().map(|name| name.as_ref().parse()).collect::<Result<KeyOperations>>()?;
    check_operations(operations, key_type)?;
    Ok(operations)
}

/// Checks that a set of operations is possible for a key of this type.
///
/// # Errors
/// `Invalid` naming `key_ops`.
pub fn check_operations(operations: KeyOperations, key_type: KeyType) -> Result<()> {
    if operations.contains(KeyOperation::Import) && operations.len() > 1 {
        return Err(Error::invalid(Field::KeyOps, "import cannot be combined with other key operations"));
    }
    let fits = |operation: KeyOperation| match key_type {
        KeyType::Rsa { .. } => operation != KeyOperation::DeriveKey,
        KeyType::Ec { .. } => matches!(
            operation,
            KeyOperation::Sign | KeyOperation::Verify | KeyOperation::DeriveKey | KeyOperation::Export
        ),
        KeyType::Oct { .. } => !matches!(operation, KeyOperation::Import | KeyOperation::DeriveKey),
    };
    match operations.iter().find(|operation| !fits(*operation)) {
        Some(operation) => {
            Err(Error::invalid(Field::KeyOps, format!("{operation} does not fit a key of type {key_type}")))
        }
        None => Ok(()),
    }
}

/// The attributes of a key version that a caller can set and see.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attributes {
    /// Whether the version can be used.
    pub enabled: bool,
    /// Not usable before this instant (`nbf`).
    pub not_before: Option<KeyDate>,
    /// Not usable from this instant on (`exp`).
    pub expires: Option<KeyDate>,
    /// When the version was created.
    pub created: Timestamp,
    /// When its attributes last changed.
    pub updated: Timestamp,
    /// Whether the private key may leave the HSM by key release.
    pub exportable: bool,
}

/// Checks the tag limits of Key Vault: at most 15, names 1-256 and values 0-256 characters.
///
/// # Errors
/// `Invalid` naming `tags`.
pub fn check_tags(tags: &Tags) -> Result<()> {
    if tags.len() > 15 {
        return Err(Error::invalid(Field::Tags, "there are at most 15 tags"));
    }
    for (name, value) in tags {
        if name.is_empty() || name.chars().count() > 256 || value.chars().count() > 256 {
            return Err(Error::invalid(
                Field::Tags,
                "a tag name has 1 to 256 characters, a value at most 256",
            ));
        }
    }
    Ok(())
}

/// Checks a validity period: `not_before` lies before `expires`.
///
/// # Errors
/// `Invalid` naming `attributes.expires`.
pub fn check_validity(not_before: Option<KeyDate>, expires: Option<KeyDate>) -> Result<()> {
    match (not_before, expires) {
        (Some(from), Some(until)) if from >= until => {
            Err(Error::invalid(Field::AttributesExpires, "a key must expire after it becomes valid"))
        }
        _ => Ok(()),
    }
}

/// One version of a key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyVersion {
    /// The container that holds it.
    pub container: ContainerId,
    /// The key it belongs to.
    pub name: KeyName,
    /// Its identifier, also the `CKA_ID` of its object in the token.
    pub version: VersionId,
    /// The public half, which determines type and size.
    pub material: PublicMaterial,
    /// What protects the private or secret key.
    pub protection: Protection,
    /// Its permitted operations (`key_ops`).
    pub operations: KeyOperations,
    /// Its attributes: enabled, validity period, dates.
    pub attributes: Attributes,
    /// The user's tags.
    pub tags: Tags,
    /// The one-time notices recorded for it.
    pub notices: Notices,
    /// The family of AES modes it is bound to, if any.
    pub mode_family: Option<ModeFamily>,
}

impl KeyVersion {
    /// Returns the `kty` that every surface reports.
    pub fn kty(&self) -> &'static str {
        self.material.key_type().kty(self.protection)
    }

    /// Checks that this version permits the operation now.
    ///
    /// # Errors
    /// `KeyDisabled`, `OperationNotPermitted`, `KeyNotYetValid` or `KeyExpired`.
    pub fn check_usable_for(&self, operation: KeyOperation, now: Timestamp) -> Result<()> {
        if !self.attributes.enabled {
            return Err(Error::KeyDisabled { operation: operation.as_str() });
        }
        if !self.operations.contains(operation) {
            return Err(Error::OperationNotPermitted { operation: operation.as_str() });
        }
        if operation.allowed_outside_validity() {
            return Ok(());
        }
        match (self.attributes.not_before, self.attributes.expires) {
            (Some(from), _) if from > now => {
                Err(Error::KeyNotYetValid { operation: operation.as_str(), not_before: from })
            }
            (_, Some(until)) if until <= now => {
                Err(Error::KeyExpired { operation: operation.as_str(), expires: until })
            }
            _ => Ok(()),
        }
    }
}

/// A key with all its versions, which are live or soft-deleted together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Key {
    /// The container that holds it.
    pub container: ContainerId,
    /// Its name.
    pub name: KeyName,
    /// Its versions, oldest first; never empty. The last is the current version.
    pub versions: Vec<Arc<KeyVersion>>,
    /// `None` while live.
    pub deletion: Option<Deletion>,
    /// Its rotation policy, if it has one.
    pub rotation: Option<Arc<RotationPolicy>>,
    /// Whether it is the companion of the certificate of its name, and changes only with it.
    pub managed: bool,
}

impl Key {
    /// Returns the current version, the newest one. `None` only if the invariant that a key has a version is broken.
    pub fn current(&self) -> Option<&Arc<KeyVersion>> {
        self.versions.last()
    }

    /// Returns the version with this id, or the current one for `None`.
    pub fn version(&self, version: Option<VersionId>) -> Option<&Arc<KeyVersion>> {
        match version {
            None => self.current(),
            Some(wanted) => self.versions.iter().find(|candidate| candidate.version == wanted),
        }
    }
}
