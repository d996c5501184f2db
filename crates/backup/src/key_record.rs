//! The record of a key in a backup: all versions with their attributes and wrapped material.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;
use crate::model::aes_modes::ModeFamily;
use crate::model::container_id::ContainerId;
use crate::model::due::Notices;
use crate::model::key::{
    Attributes, Key, KeyOperations, KeyType, KeyVersion, Protection, PublicMaterial, Tags, check_tags,
    check_validity,
};
use crate::model::name::{KeyName, VersionId};
use crate::model::period::LifetimePeriod;
use crate::model::retention::Deletion;
use crate::model::rotation::{RotationPolicy, RotationRules, RotationTrigger};
use crate::model::wrapped_key::WrappedKey;

/// A key with all its versions. It names no container: a key may be restored to another one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    name: KeyName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deletion: Option<Deletion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotation: Option<PolicyRecord>,
    versions: Vec<VersionRecord>,
}

/// A key version with its wrapped material.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionRecord {
    version: VersionId,
    public: PublicMaterial,
    #[serde(default, skip_serializing_if = "is_hsm")]
    protection: Protection,
    wrapped: WrappedKey,
    operations: KeyOperations,
    attributes: Attributes,
    tags: Tags,
    notices: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode_family: Option<ModeFamily>,
}

/// Whether it is the protection of all keys of managed HSMs, which records do not name.
fn is_hsm(protection: &Protection) -> bool {
    *protection == Protection::Hsm
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyRecord {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiry_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_after_create: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_before_expiry: Option<String>,
    created: Timestamp,
    updated: Timestamp,
}

/// Why an authentic record is not that of a key that this service can have made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvalidRecord(String);

impl fmt::Display for InvalidRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidRecord {}

impl From<serde_json::Error> for InvalidRecord {
    fn from(error: serde_json::Error) -> Self {
        // The text of the error may quote the record.
        invalid(&format!("unexpected JSON at column {}", error.column()))
    }
}

impl InvalidRecord {
    pub(crate) fn other_format() -> Self {
        invalid("it has another format")
    }
}

impl KeyRecord {
    /// Records a key. `wrapped` has the material of its versions, in their order.
    ///
    /// # Errors
    /// If there is not one value for each version.
    pub fn new(key: &Key, wrapped: Vec<WrappedKey>) -> Result<Self, InvalidRecord> {
        if wrapped.len() != key.versions.len() {
            return Err(invalid("the material of a version is missing"));
        }
        let record =
            |(version, wrapped): (&Arc<KeyVersion>, WrappedKey)| VersionRecord::new(version, wrapped);
        Ok(Self {
            name: key.name.clone(),
            deletion: key.deletion,
            rotation: key.rotation.as_deref().map(PolicyRecord::new),
            versions: key.versions.iter().zip(wrapped).map(record).collect(),
        })
    }

    /// The name of the key.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The identifiers of its versions, oldest first.
    pub fn version_ids(&self) -> Vec<VersionId> {
        self.versions.iter().map(|version| version.version).collect()
    }

    /// The wrapped material of each version.
    pub fn material(&self) -> impl Iterator<Item = (VersionId, &PublicMaterial, &WrappedKey)> {
        self.versions.iter().map(|version| (version.version, &version.public, &version.wrapped))
    }

    /// Returns the key of the record, as a key of `container`.
    ///
    /// # Errors
    /// If the record violates a rule that every key complies with.
    pub fn to_key(&self, container: &ContainerId) -> Result<Key, InvalidRecord> {
        let distinct: BTreeSet<_> = self.versions.iter().map(|version| version.version).collect();
        if self.versions.is_empty() || distinct.len() != self.versions.len() {
            return Err(invalid("the key does not have one or more different versions"));
        }
        let versions =
            self.versions.iter().map(|version| version.to_version(container, &self.name).map(Arc::new));
        Ok(Key {
            managed: false,
            container: container.clone(),
            name: self.name.clone(),
            versions: versions.collect::<Result<_, _>>()?,
            deletion: self.deletion,
            rotation: self.rotation.as_ref().map(PolicyRecord::to_policy).transpose()?.map(Arc::new),
        })
    }
}

impl VersionRecord {
    fn new(version: &KeyVersion, wrapped: WrappedKey) -> Self {
        Self {
            version: version.version,
            public: version.material.clone(),
            protection: version.protection,
            wrapped,
            operations: version.operations,
            attributes: version.attributes.clone(),
            tags: version.tags.clone(),
            notices: version.notices.bits(),
            mode_family: version.mode_family,
        }
    }

    fn to_version(&self, container: &ContainerId, name: &KeyName) -> Result<KeyVersion, InvalidRecord> {
        let key_type = self.public.key_type();
        if !matches!(
            key_type,
            KeyType::Rsa { bits: 2048 | 3072 | 4096 }
                | KeyType::Ec { .. }
                | KeyType::Oct { bits: 128 | 192 | 256 }
        ) {
            return Err(invalid(&format!("keys of type {key_type} do not exist")));
        }
        let Attributes { not_before, expires, exportable, .. } = self.attributes;
        if exportable {
            return Err(invalid("exportable keys are not available"));
        }
        check_tags(&self.tags).map_err(|error| invalid(&error.to_string()))?;
        check_validity(not_before, expires).map_err(|error| invalid(&error.to_string()))?;
        Ok(KeyVersion {
            container: container.clone(),
            name: name.clone(),
            version: self.version,
            material: self.public.clone(),
            protection: self.protection,
            operations: self.operations,
            attributes: self.attributes.clone(),
            tags: self.tags.clone(),
            notices: Notices::from_bits(self.notices),
            mode_family: self.mode_family,
        })
    }
}

impl PolicyRecord {
    fn new(policy: &RotationPolicy) -> Self {
        let (after, before) = match policy.rules.trigger() {
            Some(RotationTrigger::AfterCreation(after)) => (Some(after), None),
            Some(RotationTrigger::BeforeExpiry(before)) => (None, Some(before)),
            None => (None, None),
        };
        Self {
            expiry_time: policy.rules.expiry_time().map(ToString::to_string),
            time_after_create: after.map(ToString::to_string),
            time_before_expiry: before.map(ToString::to_string),
            created: policy.created,
            updated: policy.updated,
        }
    }

    fn to_policy(&self) -> Result<RotationPolicy, InvalidRecord> {
        let period = |text: &Option<String>| -> Result<Option<LifetimePeriod>, InvalidRecord> {
            text.as_ref().map(|text| text.parse().map_err(from_model)).transpose()
        };
        let trigger = match (period(&self.time_after_create)?, period(&self.time_before_expiry)?) {
            (Some(after), None) => Some(RotationTrigger::AfterCreation(after)),
            (None, Some(before)) => Some(RotationTrigger::BeforeExpiry(before)),
            (None, None) => None,
            (Some(_), Some(_)) => return Err(invalid("a rotation policy has two triggers")),
        };
        let rules = RotationRules::new(period(&self.expiry_time)?, trigger).map_err(from_model)?;
        let rules = rules.ok_or_else(|| invalid("a rotation policy is empty"))?;
        Ok(RotationPolicy { rules, created: self.created, updated: self.updated })
    }
}

fn invalid(why: &str) -> InvalidRecord {
    InvalidRecord(why.to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "passed to map_err")]
fn from_model(error: crate::model::Error) -> InvalidRecord {
    InvalidRecord(error.to_string())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::key::{Curve, KeyOperation};
    use crate::model::name::HsmName;
    use crate::model::wrapped_key::{KnownMac, WrappedCompanion, WrappedSecret};

    pub(crate) fn container() -> ContainerId {
        ContainerId::from(&"local".parse::<HsmName>().unwrap())
    }

    pub(crate) fn key() -> Key {
        let at = |second| Timestamp::from_second(second).unwrap();
        let version = |number: u8, material: PublicMaterial| KeyVersion {
            container: container(),
            name: "Invoices".parse().unwrap(),
            version: VersionId::from_bytes([number; 16]),
            protection: Protection::Hsm,
            operations: [KeyOperation::Sign, KeyOperation::Verify].into(),
            material,
            attributes: Attributes {
                enabled: number != 2,
                not_before: Some(at(10).into()),
                expires: Some(at(2_000_000_000).into()),
                created: at(1_700_000_000),
                updated: at(1_700_000_001),
                exportable: false,
            },
            tags: [("team".to_owned(), "payments".to_owned())].into(),
            notices: Notices::from_bits(number & 1),
            mode_family: (number == 2).then_some(ModeFamily::Gcm),
        };
        let ec = PublicMaterial::Ec { crv: Curve::P256, x: vec![1; 32], y: vec![2; 32] };
        let rules = RotationRules::new(
            Some("P90D".parse().unwrap()),
            Some(RotationTrigger::BeforeExpiry("P30D".parse().unwrap())),
        );
        Key {
            managed: false,
            container: container(),
            name: "Invoices".parse().unwrap(),
            versions: vec![
                Arc::new(version(1, ec)),
                Arc::new(version(2, PublicMaterial::Oct { key_size: 192 })),
            ],
            deletion: None,
            rotation: Some(Arc::new(RotationPolicy {
                rules: rules.unwrap().unwrap(),
                created: at(1),
                updated: at(2),
            })),
        }
    }

    pub(crate) fn record() -> KeyRecord {
        let secret = WrappedSecret {
            hmac_companion: Some(WrappedCompanion {
                wrapped: vec![4; 72],
                known_answer: Some(KnownMac(vec![5; 32])),
            }),
            known_answer: vec![6; 16],
        };
        let wrapped = vec![
            WrappedKey { main: vec![3; 80], secret: None },
            WrappedKey { main: vec![3; 32], secret: Some(secret) },
        ];
        KeyRecord::new(&key(), wrapped).unwrap()
    }

    #[test]
    fn record_returns_the_key_of_any_container() {
        let other = ContainerId::from(&"other".parse::<HsmName>().unwrap());
        let restored = record().to_key(&other).unwrap();
        assert!(restored.versions.iter().all(|version| version.container == other));
        assert_eq!(restored.container, other);
    }

    #[test]
    fn requires_material_of_every_version() {
        assert!(KeyRecord::new(&key(), Vec::new()).is_err());
    }

    #[test]
    fn rejects_records_that_no_key_has() {
        let change = |change: fn(&mut KeyRecord)| {
            let mut record = record();
            change(&mut record);
            record.to_key(&container())
        };
        for (what, wrong) in [
            ("none", change(|record| record.versions.clear())),
            ("twice", change(|record| record.versions[1].version = record.versions[0].version)),
            ("type", change(|record| record.versions[1].public = PublicMaterial::Oct { key_size: 8 })),
            ("exportable", change(|record| record.versions[0].attributes.exportable = true)),
            ("tags", change(|record| record.versions[0].tags = [(String::new(), String::new())].into())),
            (
                "validity",
                change(|record| record.versions[0].attributes.expires = Some(Timestamp::UNIX_EPOCH.into())),
            ),
            (
                "policy",
                change(|record| record.rotation.as_mut().unwrap().expiry_time = Some("P1D".to_owned())),
            ),
            (
                "triggers",
                change(|record| {
                    record.rotation.as_mut().unwrap().time_after_create = Some("P30D".to_owned())
                }),
            ),
        ] {
            assert!(wrong.is_err(), "{what}");
        }
    }
}
