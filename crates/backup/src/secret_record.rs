//! The record of a secret of a vault in a backup: the values of all its versions with their attributes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::model::Timestamp;
use crate::model::key::Tags;
use crate::model::key_date::KeyDate;
use crate::model::name::{SecretName, VersionId};
use crate::model::secret::{SecretAttributes, SecretValue, SecretVersion, check_content_type, check_tags};
use crate::object_backup::ObjectRecord;

/// A secret with the values of all its versions, oldest first. It names no vault: it may be restored to another one.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRecord {
    /// Its name in the original spelling.
    pub name: SecretName,
    /// Its versions.
    pub versions: Vec<SecretVersionRecord>,
}

/// A version of a secret with its value.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretVersionRecord {
    /// The identifier.
    pub version: VersionId,
    /// The value in the clear.
    #[serde(serialize_with = "write_value", deserialize_with = "read_value")]
    pub value: SecretValue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<KeyDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<KeyDate>,
    created: Timestamp,
    updated: Timestamp,
    tags: Tags,
}

fn write_value<S: Serializer>(value: &SecretValue, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.as_str())
}

fn read_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretValue, D::Error> {
    let text = Zeroizing::new(String::deserialize(deserializer)?);
    SecretValue::new(text).map_err(|_| serde::de::Error::custom("a value is too long"))
}

impl SecretVersionRecord {
    /// Records a version with its value.
    pub fn of(version: &SecretVersion, value: SecretValue) -> Self {
        let SecretAttributes { enabled, not_before, expires, created, updated } = version.attributes;
        let (content_type, tags) = (version.content_type.clone(), version.tags.clone());
        Self {
            version: version.version,
            value,
            content_type,
            enabled,
            not_before,
            expires,
            created,
            updated,
            tags,
        }
    }

    /// Returns content type, attributes and tags.
    pub fn properties(&self) -> (Option<String>, SecretAttributes, Tags) {
        let Self { enabled, not_before, expires, created, updated, .. } = *self;
        let attributes = SecretAttributes { enabled, not_before, expires, created, updated };
        (self.content_type.clone(), attributes, self.tags.clone())
    }

    fn is_valid(&self) -> bool {
        self.content_type.as_deref().is_none_or(|text| check_content_type(text).is_ok())
            && check_tags(&self.tags).is_ok()
    }
}

impl ObjectRecord for SecretRecord {
    const NOUN: &'static str = "secret";
    const MAGIC: &'static [u8] = b"\x29AzureKeyVaultSecretBackupV1.microsoft.com";

    fn json_capacity(&self) -> usize {
        // JSON escapes a byte to at most six; tags and content type of a version have at most 64 KiB.
        let values: usize = self.versions.iter().map(|version| 6 * version.value.as_str().len()).sum();
        values + 64 * 1024 * self.versions.len() + 256
    }

    fn is_valid(&self) -> bool {
        !self.versions.is_empty() && self.versions.iter().all(SecretVersionRecord::is_valid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(tags: Tags) -> SecretRecord {
        let version = SecretVersionRecord {
            version: VersionId::from_bytes([7; 16]),
            value: SecretValue::new(Zeroizing::new("hunter2\u{1}\"".to_owned())).unwrap(),
            content_type: None,
            enabled: false,
            not_before: None,
            expires: KeyDate::from_second(7),
            created: Timestamp::UNIX_EPOCH,
            updated: Timestamp::UNIX_EPOCH,
            tags,
        };
        SecretRecord { name: "Pay".parse().unwrap(), versions: vec![version] }
    }

    #[test]
    fn records_round_trip() {
        let record = record([("a".to_owned(), "b".to_owned())].into());
        let text = serde_json::to_string(&record).unwrap();
        assert!(text.len() < record.json_capacity());
        let read: SecretRecord = serde_json::from_str(&text).unwrap();
        assert!(read.is_valid());
        assert_eq!(read.name.as_str(), "Pay");
        assert_eq!(read.versions[0].value.as_str(), "hunter2\u{1}\"");
        assert_eq!(read.versions[0].properties(), record.versions[0].properties());
    }

    #[test]
    fn rejects_records_that_the_service_does_not_make() {
        assert!(!record([(String::new(), String::new())].into()).is_valid());
        assert!(!SecretRecord { name: "a".parse().unwrap(), versions: Vec::new() }.is_valid());
        let text = serde_json::to_string(&record(Tags::default())).unwrap();
        let long = text.replace("hunter2", &"x".repeat(25_601));
        assert!(serde_json::from_str::<SecretRecord>(&long).is_err());
    }
}
