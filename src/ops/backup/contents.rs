//! The keys of an HSM as records of a backup, and back.

use std::collections::HashMap;

use crate::backup::KeyRecord;
use crate::model::key::{Key, PublicMaterial};
use crate::model::name::{KeyName, VersionId};
use crate::model::{Error, Result};
use crate::ops::Cx;

/// How many names an error lists.
const LISTED: usize = 10;

/// Errors unless the token can wrap all versions of these keys.
pub(super) async fn check_wrappable(keys: &[std::sync::Arc<Key>], cx: &Cx) -> Result<()> {
    let mut names: Vec<&KeyName> = Vec::new();
    for key in keys {
        let versions = key.versions.iter().map(|version| version.version).collect();
        if cx.token()?.wrappable(versions).await?.contains(&false)
            && cx.store.key(&key.container, &key.name).is_some()
        {
            names.push(&key.name);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let listed: Vec<_> = names.iter().take(LISTED).map(|name| name.as_str()).collect();
    let more = if names.len() > LISTED { ", ..." } else { "" };
    Err(Error::BackupStorage {
        why: format!(
            "{} keys cannot be backed up, because they were created with the setting backup = \"never\", or before this service made backups: {}{more}",
            names.len(),
            listed.join(", ")
        ),
    })
}

/// Wraps all versions of a key. `None` if the key was purged meanwhile.
pub(super) async fn record(key: &Key, wrapping_key: VersionId, cx: &Cx) -> Result<Option<KeyRecord>> {
    let mut wrapped = Vec::with_capacity(key.versions.len());
    for version in &key.versions {
        let key_type = version.material.key_type();
        match cx.token()?.wrap_key(wrapping_key, version.version, key_type).await {
            Ok(material) => wrapped.push(material),
            Err(Error::KeyMaterialMissing { .. }) if cx.store.key(&key.container, &key.name).is_none() => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    KeyRecord::new(key, wrapped).map(Some).map_err(Error::internal)
}

/// The versions that an HSM has already, with their public material.
pub(super) fn known_versions(keys: &[std::sync::Arc<Key>]) -> HashMap<VersionId, PublicMaterial> {
    let versions = keys.iter().flat_map(|key| key.versions.iter());
    versions.map(|version| (version.version, version.material.clone())).collect()
}
