//! Keys, algorithms and principals, as they are named on the command line.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::failure::{Failure, Outcome};
use crate::model::algorithm::{EncryptionAlgorithm, SignatureAlgorithm, WrapAlgorithm};
use crate::model::key::KeyOperation;
use crate::model::name::{HsmName, KeyId, KeyName, VersionId};

/// A key: by its name alone, or by its full resource name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KeyRef {
    /// The HSM, if the resource name says it.
    pub(crate) hsm: Option<HsmName>,
    /// The key.
    pub(crate) name: KeyName,
    /// The version, if the resource name says it.
    pub(crate) version: Option<VersionId>,
}

impl KeyRef {
    /// Reads `invoices`, `hsms/local/keys/invoices`, or the latter with `/versions/…`.
    pub(crate) fn parse(text: &str) -> crate::model::Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            ["hsms", hsm, "keys", name] => {
                Ok(Self { hsm: Some(hsm.parse()?), name: name.parse()?, version: None })
            }
            ["hsms", hsm, "keys", name, "versions", version] => {
                Ok(Self { hsm: Some(hsm.parse()?), name: name.parse()?, version: Some(version.parse()?) })
            }
            _ => Ok(Self { hsm: None, name: text.parse()?, version: None }),
        }
    }

    /// Reads `invoices` or `hsms/local/keys/invoices`.
    pub(crate) fn parse_key(text: &str) -> crate::model::Result<Self> {
        match Self::parse(text)? {
            Self { version: Some(_), .. } => {
                Err(crate::model::Error::invalid("key", "this is about a key with all its versions"))
            }
            key => Ok(key),
        }
    }

    /// Reads `invoices`, `hsms/local/deletedKeys/invoices`, or the name under which the key was live.
    pub(crate) fn parse_deleted(text: &str) -> crate::model::Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            ["hsms", hsm, "deletedKeys", name] => {
                Ok(Self { hsm: Some(hsm.parse()?), name: name.parse()?, version: None })
            }
            _ => Self::parse_key(text),
        }
    }

    /// The resource name of its HSM, which is `hsm` unless its own name says another.
    pub(crate) fn parent(&self, hsm: Outcome<HsmName>) -> Outcome<String> {
        let hsm = match &self.hsm {
            Some(hsm) => hsm.clone(),
            None => hsm?,
        };
        Ok(format!("hsms/{hsm}"))
    }

    /// Its resource name in a collection of its HSM, without version.
    pub(crate) fn resource(&self, hsm: Outcome<HsmName>, collection: &str) -> Outcome<String> {
        Ok(format!("{}/{collection}/{}", self.parent(hsm)?, self.name))
    }
}

/// A key, and one version of it or the current one.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// The key's name, or its full resource name
    #[arg(value_parser = KeyRef::parse)]
    pub(crate) name: KeyRef,
    /// One version; the current one if it is not given
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<VersionId>,
}

impl Target {
    /// The key with the version that is meant, in this HSM unless its name says another.
    pub(crate) fn resolve(&self, hsm: Outcome<HsmName>) -> Outcome<KeyId> {
        let version = match (self.version, self.name.version) {
            (Some(one), Some(other)) if one != other => {
                return Err(Failure::Usage("--version and the key's name say different versions".into()));
            }
            (one, other) => one.or(other),
        };
        let hsm = match &self.name.hsm {
            Some(hsm) => hsm.clone(),
            None => hsm?,
        };
        Ok(KeyId { hsm, name: self.name.name.clone(), version })
    }
}

/// Takes the version from a result that the same key gave earlier, unless one was asked for: what one
/// version signed or encrypted, the version after it cannot verify or decrypt.
pub(crate) fn same_version(key: KeyId, earlier: Option<&str>) -> KeyId {
    let earlier = earlier.and_then(|name| KeyRef::parse(name).ok());
    match earlier {
        Some(KeyRef { hsm: Some(hsm), name, version })
            if key.version.is_none()
                && hsm.folded() == key.hsm.folded()
                && name.folded() == key.name.folded() =>
        {
            KeyId { version, ..key }
        }
        _ => key,
    }
}

/// Declares a parser that knows every value, for completion and for the message when it is wrong.
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
    /// Signature algorithms.
    signature_algorithm,
    SignatureAlgorithm
);
one_of!(
    /// Encryption algorithms.
    encryption_algorithm,
    EncryptionAlgorithm
);
one_of!(
    /// Wrapping algorithms.
    wrap_algorithm,
    WrapAlgorithm
);
one_of!(
    /// Key operations.
    key_operation,
    KeyOperation
);

/// Whether what an earlier result was made with is what is asked for now.
pub(crate) fn same_algorithm(asked: &str, earlier: Option<&str>) -> Outcome {
    match earlier {
        Some(earlier) if earlier != asked => {
            Err(Failure::problem(format!("the file was made with {earlier}, not with {asked}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "75f0e58fa686411f25e386edb8c4879c";

    fn target(name: &str, version: Option<&str>) -> Target {
        Target { name: KeyRef::parse(name).unwrap(), version: version.map(|v| v.parse().unwrap()) }
    }

    fn resolve(name: &str, version: Option<&str>) -> String {
        target(name, version).resolve(Ok("local".parse().unwrap())).unwrap().to_string()
    }

    #[test]
    fn keys_are_named_briefly_and_in_full() {
        let full = format!("hsms/other/keys/a/versions/{VERSION}");
        assert_eq!(resolve("a", None), "hsms/local/keys/a");
        assert_eq!(resolve("a", Some(VERSION)), format!("hsms/local/keys/a/versions/{VERSION}"));
        assert_eq!(resolve("hsms/other/keys/a", None), "hsms/other/keys/a");
        assert_eq!(resolve(&full, None), full);
        assert_eq!(resolve(&full, Some(VERSION)), full);
        let other = target(&full, Some("00000000000000000000000000000000"));
        assert!(matches!(other.resolve(Ok("local".parse().unwrap())), Err(Failure::Usage(_))));
        for wrong in ["", "a b", "keys/a", "hsms/local/deletedKeys/a", "hsms//keys/a", "hsms/local/keys/a/b"]
        {
            assert!(KeyRef::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn deleted_keys_go_by_both_names() {
        for name in ["hsms/local/deletedKeys/a", "hsms/local/keys/a"] {
            assert_eq!(KeyRef::parse_deleted(name).unwrap().name.as_str(), "a");
        }
        assert!(KeyRef::parse_deleted(&format!("hsms/local/keys/a/versions/{VERSION}")).is_err());
    }

    #[test]
    fn an_earlier_result_tells_the_version() {
        let key = || target("invoices", None).resolve(Ok("local".parse().unwrap())).unwrap();
        let signed = format!("hsms/local/keys/Invoices/versions/{VERSION}");
        assert_eq!(same_version(key(), Some(&signed)).version, Some(VERSION.parse().unwrap()));
        assert_eq!(same_version(key(), Some(&signed.replace("Invoices", "other"))).version, None);
        assert_eq!(same_version(key(), Some("nonsense")).version, None);
        assert_eq!(same_version(key(), None).version, None);
    }
}
