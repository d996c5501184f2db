//! Soft-deleted keys in memory.
//!
//! They are kept for months, so that there can be many more of them than live ones, but only lists, backups, recovery and purge
//! read them. So they are kept in a form with fewer and smaller allocations than a [`Key`], which is made of it for each read.

use std::sync::Arc;

use super::micros::Micros;
use super::objects::DeletedForm;
use crate::model::aes_modes::ModeFamily;
use crate::model::container::ContainerId;
use crate::model::due::Notices;
use crate::model::key::{
    Attributes, Curve, Key, KeyOperations, KeyVersion, Protection, PublicMaterial, Tags,
};
use crate::model::key_date::KeyDate;
use crate::model::name::{KeyName, VersionId};
use crate::model::retention::Deletion;
use crate::model::rotation::RotationPolicy;

/// A soft-deleted key without its container and its name, which the map has that it is in.
pub(super) struct DeletedKey {
    versions: Box<[DeletedVersion]>,
    deleted_at: Micros,
    scheduled_purge_at: Micros,
    rotation: Option<Arc<RotationPolicy>>,
    managed: bool,
}

/// A version of a soft-deleted key.
struct DeletedVersion {
    version: VersionId,
    material: Material,
    created: Micros,
    updated: Micros,
    not_before: Option<KeyDate>,
    expires: Option<KeyDate>,
    /// `None` if there are no tags.
    tags: Option<Box<Tags>>,
    operations: KeyOperations,
    enabled: bool,
    exportable: bool,
    protection: Protection,
    notices: Notices,
    mode_family: Option<ModeFamily>,
}

/// Public material with its two numbers in one allocation.
struct Material {
    kind: MaterialKind,
    /// Modulus and exponent, or the two coordinates, one after the other.
    bytes: Box<[u8]>,
    /// The length of the first of the two.
    first: usize,
}

enum MaterialKind {
    Rsa,
    Ec(Curve),
    Oct { key_size: u16 },
}

impl Material {
    fn of(material: &PublicMaterial) -> Self {
        let (kind, first, second): (_, &[u8], &[u8]) = match material {
            PublicMaterial::Rsa { n, e } => (MaterialKind::Rsa, n, e),
            PublicMaterial::Ec { crv, x, y } => (MaterialKind::Ec(*crv), x, y),
            PublicMaterial::Oct { key_size } => (MaterialKind::Oct { key_size: *key_size }, &[], &[]),
        };
        Self { kind, bytes: [first, second].concat().into(), first: first.len() }
    }

    fn public(&self) -> PublicMaterial {
        let (first, second) = self.bytes.split_at(self.first);
        match self.kind {
            MaterialKind::Rsa => PublicMaterial::Rsa { n: first.to_vec(), e: second.to_vec() },
            MaterialKind::Ec(crv) => PublicMaterial::Ec { crv, x: first.to_vec(), y: second.to_vec() },
            MaterialKind::Oct { key_size } => PublicMaterial::Oct { key_size },
        }
    }
}

impl DeletedVersion {
    fn of(version: &KeyVersion) -> Self {
        // The key has the container and the name.
        let KeyVersion {
            container: _,
            name: _,
            version,
            material,
            protection,
            operations,
            attributes,
            tags,
            notices,
            mode_family,
        } = version;
        let Attributes { enabled, not_before, expires, created, updated, exportable } = attributes;
        Self {
            version: *version,
            material: Material::of(material),
            created: (*created).into(),
            updated: (*updated).into(),
            not_before: *not_before,
            expires: *expires,
            tags: (!tags.is_empty()).then(|| Box::new(tags.clone())),
            operations: *operations,
            enabled: *enabled,
            exportable: *exportable,
            protection: *protection,
            notices: *notices,
            mode_family: *mode_family,
        }
    }

    fn version(&self, container: &ContainerId, name: &KeyName) -> KeyVersion {
        KeyVersion {
            container: container.clone(),
            name: name.clone(),
            version: self.version,
            material: self.material.public(),
            protection: self.protection,
            operations: self.operations,
            attributes: Attributes {
                enabled: self.enabled,
                not_before: self.not_before,
                expires: self.expires,
                created: self.created.into(),
                updated: self.updated.into(),
                exportable: self.exportable,
            },
            tags: self.tags.as_deref().cloned().unwrap_or_default(),
            notices: self.notices,
            mode_family: self.mode_family,
        }
    }
}

impl DeletedForm<Key> for DeletedKey {
    fn of(key: Arc<Key>, deletion: Deletion) -> Self {
        let Key { container: _, name: _, versions, deletion: _, rotation, managed } = &*key;
        Self {
            versions: versions.iter().map(|version| DeletedVersion::of(version)).collect(),
            deleted_at: deletion.deleted_at.into(),
            scheduled_purge_at: deletion.scheduled_purge_at.into(),
            rotation: rotation.clone(),
            managed: *managed,
        }
    }

    fn object(&self, container: &ContainerId, name: &KeyName) -> Arc<Key> {
        let (deleted_at, scheduled_purge_at) = (self.deleted_at.into(), self.scheduled_purge_at.into());
        let versions = self.versions.iter().map(|version| Arc::new(version.version(container, name)));
        Arc::new(Key {
            container: container.clone(),
            name: name.clone(),
            versions: versions.collect(),
            deletion: Some(Deletion { deleted_at, scheduled_purge_at }),
            rotation: self.rotation.clone(),
            managed: self.managed,
        })
    }
}
