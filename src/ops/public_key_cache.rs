//! Caches parsed public keys by key version, since parsing takes longer than using them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::Result;
use crate::model::key::{KeyVersion, PublicMaterial};
use crate::model::name::VersionId;
use crate::public_key::PublicKey;

/// The capacity of the cache; when it is full, it is cleared.
const CAPACITY: usize = 4096;

/// A cache of parsed public keys. The public key of a version never changes, so entries do not expire.
///
/// An entry is used only for the public key that it was parsed from: a version in another HSM may have the same
/// identifier, and that HSM may have restored it from a backup that others made.
#[derive(Debug, Default)]
pub struct PublicKeyCache(RwLock<HashMap<VersionId, CachedKey>>);

#[derive(Clone, Debug)]
struct CachedKey {
    material: PublicMaterial,
    parsed: Arc<PublicKey>,
}

impl PublicKeyCache {
    /// Returns the parsed public key of a version.
    ///
    /// # Errors
    /// If the version has no public key.
    pub fn of(&self, version: &KeyVersion) -> Result<Arc<PublicKey>> {
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(key) = known.get(&version.version).filter(|key| key.material == version.material) {
                return Ok(Arc::clone(&key.parsed));
            }
        }
        let parsed = Arc::new(PublicKey::parse(&version.material)?);
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= CAPACITY {
            keys.clear();
        }
        let material = version.material.clone();
        keys.insert(version.version, CachedKey { material, parsed: Arc::clone(&parsed) });
        Ok(parsed)
    }
}
