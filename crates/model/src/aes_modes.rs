//! AES mode families: which AES modes of operation one key version may be used with.

use serde::{Deserialize, Serialize};

use super::algorithm::{AesMode, Cipher, EncryptionAlgorithm, Wrap, WrapAlgorithm};
use super::key::{KeyOperation, KeyOperations, KeyType, KeyVersion, Tags};
use super::mode_family::FAMILY_TAG;
use super::{Error, Field, Result};

pub use super::mode_family::ModeFamily;

impl ModeFamily {
    /// Returns the family of an encryption algorithm; `None` for RSA.
    pub const fn of_encryption(algorithm: EncryptionAlgorithm) -> Option<Self> {
        match algorithm.primitive() {
            Cipher::Rsa(_) => None,
            Cipher::Aes(AesMode::Gcm, _) => Some(Self::Gcm),
            Cipher::Aes(AesMode::Cbc | AesMode::CbcPad, _) => Some(Self::Cbc),
        }
    }

    /// Returns the family of a key wrap algorithm; `None` for RSA.
    pub const fn of_wrap(algorithm: WrapAlgorithm) -> Option<Self> {
        match algorithm.primitive() {
            Wrap::Rsa(_) => None,
            Wrap::AesKw(_) => Some(Self::KeyWrap),
        }
    }

    /// Returns the family that a new version is bound to at creation: by its tag, or because its `key_ops` allow no
    /// other. `None` for keys that are not AES keys, and if the first use binds the version.
    ///
    /// # Errors
    /// `Invalid` naming `tags` if the tag names no family or one that `key_ops` exclude.
    pub fn initial(key_type: KeyType, operations: KeyOperations, tags: &Tags) -> Result<Option<Self>> {
        if !matches!(key_type, KeyType::Oct { .. }) {
            return Ok(None);
        }
        let any =
            |wanted: [KeyOperation; 2]| wanted.into_iter().any(|operation| operations.contains(operation));
        let encrypts = any([KeyOperation::Encrypt, KeyOperation::Decrypt]);
        let wraps = any([KeyOperation::WrapKey, KeyOperation::UnwrapKey]);
        let Some(tag) = tags.get(FAMILY_TAG) else {
            return Ok((wraps && !encrypts).then_some(Self::KeyWrap));
        };
        let family: Self = tag.parse()?;
        let possible = match family {
            Self::Gcm | Self::Cbc => encrypts,
            Self::KeyWrap => wraps,
        };
        if !possible {
            let why = format!("the tag {FAMILY_TAG} is {family}, which key_ops do not permit");
            return Err(Error::invalid(Field::Tags, why));
        }
        Ok(Some(family))
    }
}

/// Whether an AES key version may be used with all mode families or only one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AesModes {
    /// All families that its `key_ops` permit, as in Azure.
    #[default]
    Azure,
    /// Only the family it is bound to.
    Separated,
}

impl AesModes {
    /// Checks the use of a version with a family. Returns `Some` if the use binds the version; the binding must be
    /// durable before the result is returned to the caller.
    ///
    /// # Errors
    /// `ModeFamilyMismatch` if the version is bound to another family.
    pub fn check_use(self, version: &KeyVersion, family: Option<ModeFamily>) -> Result<Option<ModeFamily>> {
        let (Self::Separated, Some(family)) = (self, family) else { return Ok(None) };
        match version.mode_family {
            None => Ok(Some(family)),
            Some(bound) => check_family(version, bound, family).map(|()| None),
        }
    }
}

/// Checks that a use with family `asked` matches the family to which a version is bound.
///
/// # Errors
/// `ModeFamilyMismatch`.
pub fn check_family(version: &KeyVersion, bound: ModeFamily, asked: ModeFamily) -> Result<()> {
    if bound == asked {
        return Ok(());
    }
    Err(Error::ModeFamilyMismatch { version: version.version, bound, asked })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Curve;

    fn tags(family: Option<&str>) -> Tags {
        family.map(|family| (FAMILY_TAG.to_owned(), family.to_owned())).into_iter().collect()
    }

    fn chosen(operations: &[KeyOperation], tag: Option<&str>) -> Result<Option<ModeFamily>> {
        let operations = operations.iter().copied().collect();
        ModeFamily::initial(KeyType::Oct { bits: 256 }, operations, &tags(tag))
    }

    #[test]
    fn initial_family_comes_from_key_ops_or_tag() {
        use KeyOperation::{Decrypt, Encrypt, Sign, UnwrapKey, WrapKey};
        assert_eq!(chosen(&[WrapKey, UnwrapKey], None), Ok(Some(ModeFamily::KeyWrap)));
        assert_eq!(chosen(&[UnwrapKey, Sign], None), Ok(Some(ModeFamily::KeyWrap)));
        assert_eq!(chosen(&[Encrypt, Decrypt], None), Ok(None));
        assert_eq!(chosen(&[Decrypt, WrapKey], None), Ok(None));
        assert_eq!(chosen(&[Sign], None), Ok(None));
        assert_eq!(chosen(&[Encrypt, WrapKey], Some("cbc")), Ok(Some(ModeFamily::Cbc)));
        assert_eq!(chosen(&[Encrypt, WrapKey], Some("keyWrap")), Ok(Some(ModeFamily::KeyWrap)));
    }

    #[test]
    fn rejects_unknown_or_excluded_family_tags() {
        use KeyOperation::{Encrypt, WrapKey};
        for (operations, tag) in [(Encrypt, "GCM"), (Encrypt, ""), (WrapKey, "gcm"), (Encrypt, "keyWrap")] {
            let error = chosen(&[operations], Some(tag)).unwrap_err();
            assert!(matches!(error, Error::Invalid { field: Field::Tags, .. }), "{tag}: {error}");
        }
        let ec = KeyType::Ec { curve: Curve::P256 };
        assert_eq!(
            ModeFamily::initial(
                ec,
                ec.default_operations(crate::container_id::ContainerKind::ManagedHsm),
                &tags(Some("any"))
            ),
            Ok(None)
        );
    }
}
