//! References to the objects of vaults in arguments: secrets and certificates, with their versions.

use std::str::FromStr;

use super::failure::{Failure, Outcome};
use crate::model::name::{CertificateName, SecretName, VaultName, VersionId};
use crate::model::{Error, Field, Result};

/// A kind of objects, by the type of its names.
pub(crate) trait VaultObject: FromStr<Err: Into<Error>> + Clone {
    /// The collection of live objects in resource names.
    const LIVE: &'static str;
    /// The collection of deleted objects in resource names.
    const DELETED: &'static str;
    /// The field that errors name.
    const FIELD: Field;
    /// The noun in errors.
    const NOUN: &'static str;
}

impl VaultObject for SecretName {
    const LIVE: &'static str = "secrets";
    const DELETED: &'static str = "deletedSecrets";
    const FIELD: Field = Field::Secret;
    const NOUN: &'static str = "secret";
}

impl VaultObject for CertificateName {
    const LIVE: &'static str = "certificates";
    const DELETED: &'static str = "deletedCertificates";
    const FIELD: Field = Field::Certificate;
    const NOUN: &'static str = "certificate";
}

/// A reference to an object: its name alone, or its full resource name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ObjectRef<N> {
    /// The vault, if given by a resource name.
    vault: Option<VaultName>,
    /// The name of the object.
    pub(crate) name: N,
    /// The version, if given by a resource name.
    version: Option<VersionId>,
}

impl<N: VaultObject> ObjectRef<N> {
    fn new(vault: Option<&str>, name: &str, version: Option<&str>) -> Result<Self> {
        Ok(Self {
            vault: vault.map(str::parse).transpose()?,
            name: name.parse().map_err(Into::into)?,
            version: version.map(str::parse).transpose()?,
        })
    }

    /// Parses `password`, `vaults/demo/secrets/password`, or the latter with `/versions/…`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            ["vaults", vault, collection, name] if collection == N::LIVE => {
                Self::new(Some(vault), name, None)
            }
            ["vaults", vault, collection, name, "versions", version] if collection == N::LIVE => {
                Self::new(Some(vault), name, Some(version))
            }
            _ => Self::new(None, text, None),
        }
    }

    /// Parses `password` or `vaults/demo/secrets/password`. Errors if a version is given.
    pub(crate) fn parse_live(text: &str) -> Result<Self> {
        match Self::parse(text)? {
            Self { version: Some(_), .. } => {
                Err(Error::invalid(N::FIELD, format!("expected a {} without a version", N::NOUN)))
            }
            object => Ok(object),
        }
    }

    /// Parses the name of a deleted object: `password`, `vaults/demo/deletedSecrets/password` or
    /// `vaults/demo/secrets/password`.
    pub(crate) fn parse_deleted(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            ["vaults", vault, collection, name] if collection == N::DELETED => {
                Self::new(Some(vault), name, None)
            }
            _ => Self::parse_live(text),
        }
    }

    /// Returns the object's vault. `vault` is the default.
    pub(crate) fn vault(&self, vault: Outcome<VaultName>) -> Outcome<VaultName> {
        match &self.vault {
            Some(vault) => Ok(vault.clone()),
            None => vault,
        }
    }

    /// Returns the resource name of the object's vault. `vault` is the default.
    pub(crate) fn parent(&self, vault: Outcome<VaultName>) -> Outcome<String> {
        Ok(format!("vaults/{}", self.vault(vault)?))
    }

    /// Returns the version: that of an option, or that of the resource name. Errors if both are given and differ.
    pub(crate) fn version(&self, option: Option<VersionId>) -> Outcome<Option<VersionId>> {
        match (option, self.version) {
            (Some(one), Some(other)) if one != other => {
                Err(Failure::Usage(format!("--version differs from the version in the {}'s name", N::NOUN)))
            }
            (one, other) => Ok(one.or(other)),
        }
    }
}

impl<N: VaultObject + std::fmt::Display> ObjectRef<N> {
    /// Returns the resource name of the live object, without version. `vault` is the default.
    pub(crate) fn live(&self, vault: Outcome<VaultName>) -> Outcome<String> {
        Ok(format!("{}/{}/{}", self.parent(vault)?, N::LIVE, self.name))
    }

    /// Returns the resource name of the deleted object. `vault` is the default.
    pub(crate) fn deleted(&self, vault: Outcome<VaultName>) -> Outcome<String> {
        Ok(format!("{}/{}/{}", self.parent(vault)?, N::DELETED, self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "75f0e58fa686411f25e386edb8c4879c";

    fn demo() -> Outcome<VaultName> {
        Ok("demo".parse().unwrap())
    }

    fn parses_names<N: VaultObject + std::fmt::Display + std::fmt::Debug>() {
        let (live, deleted) = (N::LIVE, N::DELETED);
        let full = format!("vaults/other/{live}/a");
        for (text, parsed) in [("a", format!("vaults/demo/{live}/a")), (&full, full.clone())] {
            assert_eq!(ObjectRef::<N>::parse(text).unwrap().live(demo()).unwrap(), parsed);
            assert_eq!(ObjectRef::<N>::parse_live(text).unwrap().live(demo()).unwrap(), parsed);
            let parsed = parsed.replace(live, deleted);
            assert_eq!(ObjectRef::<N>::parse_deleted(text).unwrap().deleted(demo()).unwrap(), parsed);
            assert!(ObjectRef::<N>::parse_live(&parsed).is_err());
            assert!(ObjectRef::<N>::parse_deleted(&parsed).is_ok());
        }
        let of_version = format!("{full}/versions/{VERSION}");
        let object = ObjectRef::<N>::parse(&of_version).unwrap();
        let (version, other) = (VERSION.parse().unwrap(), "0".repeat(32).parse().unwrap());
        for option in [None, Some(version)] {
            assert_eq!(object.version(option).unwrap(), Some(version));
        }
        assert!(matches!(object.version(Some(other)), Err(Failure::Usage(_))));
        assert_eq!(ObjectRef::<N>::parse("a").unwrap().version(Some(other)).unwrap(), Some(other));
        assert!(ObjectRef::<N>::parse_live(&of_version).is_err());
        assert!(ObjectRef::<N>::parse_deleted(&of_version).is_err());
        for wrong in ["", "a b", "a_b", "keys/a", "vaults/demo/keys/a", &format!("vaults//{live}/a")] {
            assert!(ObjectRef::<N>::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parses_short_and_full_names_of_each_kind() {
        parses_names::<SecretName>();
        parses_names::<CertificateName>();
    }
}
