//! How the fields of messages are encoded: identifiers as their bytes, secrets without a copy that is not wiped.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A visitor of bytes that converts them with a function.
struct Bytes<T>(&'static str, fn(&[u8]) -> Option<T>);

impl<T> Visitor<'_> for Bytes<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<T, E> {
        (self.1)(bytes).ok_or_else(|| E::custom(format_args!("expected {}", self.0)))
    }
}

/// The identifier of a key version, as 16 bytes.
pub(crate) mod version {
    use super::*;
    use crate::model::name::VersionId;

    pub(crate) fn serialize<S: Serializer>(id: &VersionId, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(id.as_bytes())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<VersionId, D::Error> {
        from.deserialize_bytes(Bytes("16 bytes", |bytes| Some(VersionId::from_bytes(bytes.try_into().ok()?))))
    }
}

/// Identifiers of key versions, as the concatenation of their bytes.
pub(crate) mod versions {
    use super::*;
    use crate::model::name::VersionId;

    pub(crate) fn serialize<S: Serializer>(ids: &[VersionId], to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
        to.serialize_bytes(&bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<VersionId>, D::Error> {
        from.deserialize_bytes(Bytes("a multiple of 16 bytes", |bytes| {
            let (ids, rest) = bytes.as_chunks::<16>();
            rest.is_empty().then(|| ids.iter().copied().map(VersionId::from_bytes).collect())
        }))
    }
}

/// Secret bytes, which are wiped when they are dropped.
pub(crate) mod secret {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &Zeroizing<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<Vec<u8>>, D::Error> {
        from.deserialize_bytes(Bytes("bytes", |bytes| Some(Zeroizing::new(bytes.to_vec()))))
    }
}

/// A PIN.
pub(crate) mod pin {
    use secrecy::{ExposeSecret as _, SecretString};

    use super::*;

    pub(crate) fn serialize<S: Serializer>(pin: &SecretString, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(pin.expose_secret().as_bytes())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
        from.deserialize_bytes(Bytes("UTF-8", |bytes| {
            let text: Box<str> = std::str::from_utf8(bytes).ok()?.into();
            Some(SecretString::from(text))
        }))
    }
}

/// An algorithm, as its name.
pub(crate) mod name {
    use super::*;
    use crate::model::algorithm::SignatureAlgorithm;

    pub(crate) fn serialize<S: Serializer>(algorithm: &SignatureAlgorithm, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(algorithm.as_str())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SignatureAlgorithm, D::Error> {
        let name = <&str>::deserialize(from)?;
        name.parse().map_err(|_| de::Error::custom("expected a signature algorithm"))
    }
}

/// A value of the domain, which is not secret, as JSON: its own encoding omits fields and needs a self-describing format.
pub(crate) mod json {
    use serde::de::DeserializeOwned;
    use serde::ser::Error as _;

    use super::*;

    pub(crate) fn serialize<S: Serializer, T: Serialize>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(&serde_json::to_vec(value).map_err(S::Error::custom)?)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: DeserializeOwned>(
        from: D,
    ) -> Result<T, D::Error> {
        from.deserialize_bytes(Bytes("JSON", |bytes| serde_json::from_slice(bytes).ok()))
    }
}

/// Calls that are shared.
pub(crate) mod shared {
    use std::sync::Arc;

    use super::*;

    pub(crate) fn serialize<S: Serializer, T: Serialize>(values: &[T], to: S) -> Result<S::Ok, S::Error> {
        values.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        from: D,
    ) -> Result<Arc<[T]>, D::Error> {
        Ok(Vec::deserialize(from)?.into())
    }
}

/// Key material to import. Its type is foreign, and deliberately not serializable elsewhere.
pub(crate) mod import {
    use super::*;
    use crate::model::import::ImportMaterial;
    use crate::model::key::Curve;

    #[derive(Serialize, Deserialize)]
    #[serde(remote = "ImportMaterial")]
    enum Mirror {
        Rsa {
            #[serde(with = "serde_bytes")]
            n: Vec<u8>,
            #[serde(with = "serde_bytes")]
            e: Vec<u8>,
            #[serde(with = "serde_bytes")]
            d: Vec<u8>,
            #[serde(with = "serde_bytes")]
            p: Vec<u8>,
            #[serde(with = "serde_bytes")]
            q: Vec<u8>,
            #[serde(with = "serde_bytes")]
            dp: Vec<u8>,
            #[serde(with = "serde_bytes")]
            dq: Vec<u8>,
            #[serde(with = "serde_bytes")]
            qi: Vec<u8>,
        },
        Ec {
            crv: Curve,
            #[serde(with = "serde_bytes")]
            x: Vec<u8>,
            #[serde(with = "serde_bytes")]
            y: Vec<u8>,
            #[serde(with = "serde_bytes")]
            d: Vec<u8>,
        },
        Oct {
            #[serde(with = "serde_bytes")]
            k: Vec<u8>,
        },
    }

    pub(crate) fn serialize<S: Serializer>(material: &ImportMaterial, to: S) -> Result<S::Ok, S::Error> {
        Mirror::serialize(material, to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ImportMaterial, D::Error> {
        Mirror::deserialize(from)
    }
}
