//! Restores keys with all their versions.

use std::sync::Arc;

use super::{Transaction, with_names_of};
use crate::model::key::Key;
use crate::model::resource_kind::Resource;
use crate::model::{Error, Result};

impl Transaction<'_> {
    /// Adds a key from a backup, under a name that no key has.
    pub(super) fn restore_key(&mut self, key: &Key) -> Result<()> {
        let container = self.live_container(&key.container)?.id();
        if let Some(known) = self.key(&key.container, &key.name) {
            let resource = Resource::key(&key.container, &known.name);
            return Err(match known.deletion {
                Some(deletion) => Error::deleted(resource, deletion),
                None => Error::Exists { resource, deleted: false },
            });
        }
        let limits = container.kind().limits();
        self.check_limit(limits.keys, || self.key_count(&container))?;
        // One less, because the limit is checked before each version is added.
        self.check_limit(limits.versions, || key.versions.len().saturating_sub(1))?;
        let mut restored = Key { container, versions: Vec::with_capacity(key.versions.len()), ..key.clone() };
        let versions = key.versions.iter().map(|version| Arc::new(with_names_of(version, &restored)));
        let versions = versions.collect();
        restored.versions = versions;
        self.set(restored);
        Ok(())
    }
}
