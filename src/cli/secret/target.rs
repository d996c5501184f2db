//! Arguments that name secrets and their versions.

use clap::Args;

use crate::cli::failure::{Failure, Outcome};
use crate::model::Field;
use crate::model::name::{SecretName, VaultName, VersionId};
use crate::model::secret::SecretId;

/// A reference to a secret: its name alone, or its full resource name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SecretRef {
    /// The vault, if given by a resource name.
    pub(super) vault: Option<VaultName>,
    /// The name of the secret.
    pub(super) name: SecretName,
    /// The version, if given by a resource name.
    version: Option<VersionId>,
}

impl SecretRef {
    /// Parses `password`, `vaults/demo/secrets/password`, or the latter with `/versions/…`.
    pub(super) fn parse(text: &str) -> crate::model::Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            ["vaults", vault, "secrets", name] => {
                Ok(Self { vault: Some(vault.parse()?), name: name.parse()?, version: None })
            }
            ["vaults", vault, "secrets", name, "versions", version] => {
                Ok(Self { vault: Some(vault.parse()?), name: name.parse()?, version: Some(version.parse()?) })
            }
            _ => Ok(Self { vault: None, name: text.parse()?, version: None }),
        }
    }

    /// Parses `password` or `vaults/demo/secrets/password`. Errors if a version is given.
    pub(super) fn parse_secret(text: &str) -> crate::model::Result<Self> {
        match Self::parse(text)? {
            Self { version: Some(_), .. } => {
                Err(crate::model::Error::invalid(Field::Secret, "expected a secret without a version"))
            }
            secret => Ok(secret),
        }
    }

    /// Parses the name of a deleted secret: `password`, `vaults/demo/deletedSecrets/password` or
    /// `vaults/demo/secrets/password`.
    pub(super) fn parse_deleted(text: &str) -> crate::model::Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            ["vaults", vault, "deletedSecrets", name] => {
                Ok(Self { vault: Some(vault.parse()?), name: name.parse()?, version: None })
            }
            _ => Self::parse_secret(text),
        }
    }

    /// Returns the resource name of the secret's vault. `vault` is the default.
    pub(super) fn parent(&self, vault: Outcome<VaultName>) -> Outcome<String> {
        let vault = match &self.vault {
            Some(vault) => vault.clone(),
            None => vault?,
        };
        Ok(format!("vaults/{vault}"))
    }

    /// Returns the secret's resource name in a collection of its vault, without version.
    pub(super) fn resource(&self, vault: Outcome<VaultName>, collection: &str) -> Outcome<String> {
        Ok(format!("{}/{collection}/{}", self.parent(vault)?, self.name))
    }
}

/// A secret and optionally one of its versions. The default is the current version.
#[derive(Args, Clone, Debug)]
pub(crate) struct SecretTarget {
    /// Name of the secret, or its full resource name
    #[arg(value_parser = SecretRef::parse)]
    name: SecretRef,
    /// Version of the secret [default: the current one]
    #[arg(long, value_name = "VERSION")]
    version: Option<VersionId>,
}

impl SecretTarget {
    /// Returns the id of the secret or secret version. `vault` is the default vault.
    pub(super) fn resolve(&self, vault: Outcome<VaultName>) -> Outcome<SecretId> {
        let version = match (self.version, self.name.version) {
            (Some(one), Some(other)) if one != other => {
                return Err(Failure::Usage("--version differs from the version in the secret's name".into()));
            }
            (one, other) => one.or(other),
        };
        let vault = match &self.name.vault {
            Some(vault) => vault.clone(),
            None => vault?,
        };
        Ok(SecretId { vault, name: self.name.name.clone(), version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "75f0e58fa686411f25e386edb8c4879c";

    fn target(name: &str, version: Option<&str>) -> SecretTarget {
        SecretTarget {
            name: SecretRef::parse(name).unwrap(),
            version: version.map(|version| version.parse().unwrap()),
        }
    }

    fn resolve(name: &str, version: Option<&str>) -> String {
        target(name, version).resolve(Ok("demo".parse().unwrap())).unwrap().to_string()
    }

    #[test]
    fn parses_short_and_full_secret_names() {
        let full = format!("vaults/other/secrets/a/versions/{VERSION}");
        assert_eq!(resolve("a", None), "vaults/demo/secrets/a");
        assert_eq!(resolve("a", Some(VERSION)), format!("vaults/demo/secrets/a/versions/{VERSION}"));
        assert_eq!(resolve("vaults/other/secrets/a", None), "vaults/other/secrets/a");
        assert_eq!(resolve(&full, None), full);
        assert_eq!(resolve(&full, Some(VERSION)), full);
        let other = target(&full, Some("00000000000000000000000000000000"));
        assert!(matches!(other.resolve(Ok("demo".parse().unwrap())), Err(Failure::Usage(_))));
        for wrong in ["", "a b", "a_b", "secrets/a", "vaults/demo/deletedSecrets/a", "vaults//secrets/a"] {
            assert!(SecretRef::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parses_names_of_deleted_secrets() {
        for name in ["vaults/demo/deletedSecrets/a", "vaults/demo/secrets/a"] {
            let parsed = SecretRef::parse_deleted(name).unwrap();
            let resource = parsed.resource(Ok("unused".parse().unwrap()), "deletedSecrets").unwrap();
            assert_eq!(resource, "vaults/demo/deletedSecrets/a");
        }
        assert!(SecretRef::parse_deleted(&format!("vaults/demo/secrets/a/versions/{VERSION}")).is_err());
    }
}
