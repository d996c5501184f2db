//! Arguments that name keys, key versions and algorithms.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::failure::{Failure, Outcome};
use crate::model::Field;
use crate::model::algorithm::{EncryptionAlgorithm, SignatureAlgorithm, WrapAlgorithm};
use crate::model::container_id::{ContainerId, KeyId};
use crate::model::key::KeyOperation;
use crate::model::name::{HsmName, KeyName, VaultName, VersionId};

/// A reference to a key: its name alone, or its full resource name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KeyRef {
    /// The managed HSM or vault, if given by a resource name.
    pub(crate) container: Option<ContainerId>,
    /// The name of the key.
    pub(crate) name: KeyName,
    /// The version, if given by a resource name.
    pub(crate) version: Option<VersionId>,
}

impl KeyRef {
    /// Parses `invoices`, `hsms/local/keys/invoices`, `vaults/demo/keys/invoices`, or the latter two with `/versions/…`.
    pub(crate) fn parse(text: &str) -> crate::model::Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [kind @ ("hsms" | "vaults"), container, "keys", name] => {
                Ok(Self { container: Some(in_kind(kind, container)?), name: name.parse()?, version: None })
            }
            [kind @ ("hsms" | "vaults"), container, "keys", name, "versions", version] => Ok(Self {
                container: Some(in_kind(kind, container)?),
                name: name.parse()?,
                version: Some(version.parse()?),
            }),
            _ => Ok(Self { container: None, name: text.parse()?, version: None }),
        }
    }

    /// Parses `invoices` or `hsms/local/keys/invoices`. Errors if a version is given.
    pub(crate) fn parse_key(text: &str) -> crate::model::Result<Self> {
        match Self::parse(text)? {
            Self { version: Some(_), .. } => {
                Err(crate::model::Error::invalid(Field::Key, "expected a key without a version"))
            }
            key => Ok(key),
        }
    }

    /// Parses the name of a deleted key: `invoices`, `hsms/local/deletedKeys/invoices` or `hsms/local/keys/invoices`, or those of
    /// a vault.
    pub(crate) fn parse_deleted(text: &str) -> crate::model::Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [kind @ ("hsms" | "vaults"), container, "deletedKeys", name] => {
                Ok(Self { container: Some(in_kind(kind, container)?), name: name.parse()?, version: None })
            }
            _ => Self::parse_key(text),
        }
    }

    /// Returns the resource name of the key's container. `container` is the default.
    pub(crate) fn parent(&self, container: Outcome<ContainerId>) -> Outcome<String> {
        Ok(match &self.container {
            Some(named) => named.to_string(),
            None => container?.to_string(),
        })
    }

    /// Returns the key's resource name in a collection of its container, without version.
    pub(crate) fn resource(&self, container: Outcome<ContainerId>, collection: &str) -> Outcome<String> {
        Ok(format!("{}/{collection}/{}", self.parent(container)?, self.name))
    }
}

/// Parses the name of a container of the kind that begins a resource name: `hsms` or `vaults`.
fn in_kind(kind: &str, name: &str) -> crate::model::Result<ContainerId> {
    Ok(match kind {
        "vaults" => name.parse::<VaultName>()?.into(),
        _ => name.parse::<HsmName>()?.into(),
    })
}

/// A key and optionally one of its versions. The default is the current version.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyTarget {
    /// Name of the key, or its full resource name
    #[arg(value_parser = KeyRef::parse)]
    pub(crate) name: KeyRef,
    /// Version of the key [default: the current one]
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<VersionId>,
}

impl KeyTarget {
    /// Returns the id of the key or key version. `container` is the default.
    pub(crate) fn resolve(&self, container: Outcome<ContainerId>) -> Outcome<KeyId> {
        let version = match (self.version, self.name.version) {
            (Some(one), Some(other)) if one != other => {
                return Err(Failure::Usage("--version differs from the version in the key's name".into()));
            }
            (one, other) => one.or(other),
        };
        let container = match &self.name.container {
            Some(named) => named.clone(),
            None => container?,
        };
        Ok(KeyId { container, name: self.name.name.clone(), version })
    }
}

/// Sets the version of `key` to that of a previous result of the same key, unless a version was given: a signature or
/// ciphertext of one version cannot be verified or decrypted with a later one.
pub(crate) fn with_previous_version(key: KeyId, previous: Option<&str>) -> KeyId {
    let previous = previous.and_then(|name| KeyRef::parse(name).ok());
    match previous {
        Some(KeyRef { container: Some(container), name, version })
            if key.version.is_none()
                && container.to_case_insensitive() == key.container.to_case_insensitive()
                && name.to_case_insensitive() == key.name.to_case_insensitive() =>
        {
            KeyId { version, ..key }
        }
        _ => key,
    }
}

/// Declares a parser with the list of possible values, for shell completion and error messages.
macro_rules! one_of {
    ($(#[$doc:meta])* $parser:ident, $name:ty) => {
        $(#[$doc])*
        pub(crate) fn $parser() -> impl TypedValueParser<Value = $name> {
            let names = <$name>::ALL.iter().map(|value| value.as_str());
            PossibleValuesParser::new(names).try_map(|text| text.parse::<$name>())
        }
    };
}

one_of!(
    /// Parses a signature algorithm.
    signature_algorithm,
    SignatureAlgorithm
);
one_of!(
    /// Parses an encryption algorithm.
    encryption_algorithm,
    EncryptionAlgorithm
);
one_of!(
    /// Parses a key wrap algorithm.
    wrap_algorithm,
    WrapAlgorithm
);
one_of!(
    /// Parses a key operation.
    key_operation,
    KeyOperation
);

/// Errors if a previous result has another algorithm than the one given now.
pub(crate) fn check_previous_algorithm(given: &str, previous: Option<&str>) -> Outcome {
    match previous {
        Some(previous) if previous != given => {
            Err(Failure::problem(format!("the file was made with {previous}, not with {given}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "75f0e58fa686411f25e386edb8c4879c";

    fn local() -> ContainerId {
        "local".parse::<HsmName>().unwrap().into()
    }

    fn target(name: &str, version: Option<&str>) -> KeyTarget {
        KeyTarget { name: KeyRef::parse(name).unwrap(), version: version.map(|v| v.parse().unwrap()) }
    }

    fn resolve(name: &str, version: Option<&str>) -> String {
        target(name, version).resolve(Ok(local())).unwrap().to_string()
    }

    #[test]
    fn parses_short_and_full_key_names() {
        let full = format!("hsms/other/keys/a/versions/{VERSION}");
        assert_eq!(resolve("a", None), "hsms/local/keys/a");
        assert_eq!(resolve("a", Some(VERSION)), format!("hsms/local/keys/a/versions/{VERSION}"));
        assert_eq!(resolve("hsms/other/keys/a", None), "hsms/other/keys/a");
        assert_eq!(resolve("vaults/demo/keys/a", None), "vaults/demo/keys/a");
        assert_eq!(resolve(&full, None), full);
        assert_eq!(resolve(&full, Some(VERSION)), full);
        let other = target(&full, Some("00000000000000000000000000000000"));
        assert!(matches!(other.resolve(Ok(local())), Err(Failure::Usage(_))));
        for wrong in ["", "a b", "keys/a", "hsms/local/deletedKeys/a", "hsms//keys/a", "hsms/local/keys/a/b"]
        {
            assert!(KeyRef::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parses_names_of_deleted_keys() {
        for name in ["hsms/local/deletedKeys/a", "hsms/local/keys/a", "vaults/demo/deletedKeys/a"] {
            assert_eq!(KeyRef::parse_deleted(name).unwrap().name.as_str(), "a");
        }
        assert!(KeyRef::parse_deleted(&format!("hsms/local/keys/a/versions/{VERSION}")).is_err());
    }

    #[test]
    fn takes_the_version_of_a_previous_result() {
        let key = || target("invoices", None).resolve(Ok(local())).unwrap();
        let signed = format!("hsms/local/keys/Invoices/versions/{VERSION}");
        assert_eq!(with_previous_version(key(), Some(&signed)).version, Some(VERSION.parse().unwrap()));
        assert_eq!(with_previous_version(key(), Some(&signed.replace("Invoices", "other"))).version, None);
        let elsewhere = signed.replace("hsms/local", "vaults/local");
        assert_eq!(with_previous_version(key(), Some(&elsewhere)).version, None);
        assert_eq!(with_previous_version(key(), Some("nonsense")).version, None);
        assert_eq!(with_previous_version(key(), None).version, None);
    }
}
