//! The SQL that loads keys when the store is opened.
//!
//! There can be a million of them. Keys and versions are read in the same order, by two connections of their own (see `rows`), and
//! merged.

mod columns;
mod rows;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::columns::damaged;
use super::location::Location;
use super::objects::LoadedObjects;
use crate::model::container::ContainerId;
use crate::model::due::Notices;
use crate::model::key::{Attributes, Key, KeyVersion};
use crate::model::name::KeyName;
use crate::model::rotation::RotationPolicy;
use crate::model::{Error, Result};
use columns::Columns;
use rows::{Rows, Source};

/// The keys of a container, and what is known of them before they are loaded. Names are in lower case.
pub(super) struct KeysOfContainer {
    /// The container.
    pub(super) container: ContainerId,
    /// The rotation policies of keys that are not loaded yet.
    pub(super) policies: BTreeMap<String, Arc<RotationPolicy>>,
    /// The names of its certificates, whose companions have the same names.
    pub(super) certificates: BTreeSet<String>,
    /// The loaded keys.
    pub(super) keys: LoadedObjects<Key>,
}

impl KeysOfContainer {
    /// A container of which nothing is known yet.
    pub(super) fn new(container: ContainerId) -> Self {
        let (policies, certificates) = (BTreeMap::new(), BTreeSet::new());
        Self { container, policies, certificates, keys: LoadedObjects::default() }
    }
}

/// Containers by their stored identifier in lower case.
pub(super) type Containers = BTreeMap<String, KeysOfContainer>;

/// Loads all keys.
///
/// # Errors
/// `Internal` if a row is malformed, a version or a rotation policy has no key, or a key has no container or no version.
pub(super) async fn load(location: &Location, mut containers: Containers) -> Result<Containers> {
    let (mut keys, mut versions) = (Source::connect(location).await?, Source::connect(location).await?);
    let read = move || {
        let mut keys = keys.query(KEYS)?;
        let mut versions = versions.query(VERSIONS)?;
        merge(&mut keys.rows()?, &mut versions.rows()?, &mut containers).map(|()| containers)
    };
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)?
}

const KEYS: &str = "-- load_keys
    SELECT hsm, folded, name, deleted_at, scheduled_purge_at FROM keys ORDER BY hsm, folded";

const VERSIONS: &str = "-- load_versions
        SELECT hsm, key_name, version, material, protection, operations, enabled, not_before, expires, created, updated,
            exportable, tags, notices, mode_family
        FROM key_versions ORDER BY hsm, key_name, position";

fn merge(keys: &mut Rows<'_>, versions: &mut Rows<'_>, containers: &mut Containers) -> Result<()> {
    versions.advance()?;
    while let Some(mut columns) = keys.next()? {
        let id = (columns.text()?, columns.text()?);
        let known = containers.get_mut(id.0).ok_or_else(|| damaged("a key has no container"))?;
        let name: KeyName = columns.parsed()?;
        let versions = versions_of(id, &known.container, &name, versions)?;
        known.keys.push(Key {
            container: known.container.clone(),
            name,
            versions,
            deletion: columns.deletion()?,
            rotation: known.policies.remove(id.1),
            managed: known.certificates.contains(id.1),
        });
    }
    if versions.get().is_some() {
        return Err(damaged("a version has no key"));
    }
    if containers.values().any(|known| !known.policies.is_empty()) {
        return Err(damaged("a rotation policy has no key"));
    }
    Ok(())
}

/// Reads the versions of a key, which are the next ones.
fn versions_of(
    id: (&str, &str),
    container: &ContainerId,
    name: &KeyName,
    rows: &mut Rows<'_>,
) -> Result<Vec<Arc<KeyVersion>>> {
    let mut versions = Vec::new();
    while let Some(mut columns) = rows.get() {
        match (columns.text()?, columns.text()?).cmp(&id) {
            Ordering::Less => return Err(damaged("a version has no key")),
            Ordering::Equal => {}
            Ordering::Greater => break,
        }
        // Most keys have one version, so that spare capacity would waste memory.
        versions.reserve_exact(1);
        versions.push(Arc::new(version(&mut columns, container, name)?));
        rows.advance()?;
    }
    match versions.is_empty() {
        true => Err(damaged(format!("key {name} has no version"))),
        false => Ok(versions),
    }
}

fn version(columns: &mut Columns<'_>, container: &ContainerId, name: &KeyName) -> Result<KeyVersion> {
    Ok(KeyVersion {
        container: container.clone(),
        name: name.clone(),
        version: columns.parsed()?,
        material: columns.json()?,
        protection: columns.parsed()?,
        operations: columns.json()?,
        attributes: Attributes {
            enabled: columns.integer()? != 0,
            not_before: columns.key_date()?,
            expires: columns.key_date()?,
            created: columns.instant()?,
            updated: columns.instant()?,
            exportable: columns.integer()? != 0,
        },
        tags: columns.json()?,
        // A later version of the service may use other bits.
        notices: Notices::from_bits(u8::try_from(columns.integer()? & 0xff).unwrap_or(0)),
        mode_family: columns.optional()?,
    })
}
