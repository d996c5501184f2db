//! Parsed public keys, kept per key version: parsing costs more than using them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::Result;
use crate::model::key::KeyVersion;
use crate::model::name::VersionId;
use crate::public_key::PublicKey;

/// How many parsed keys are kept; beyond that all are dropped and parsed again as they are used.
const MOST: usize = 4096;

/// The parsed public keys in use. A version's public key never changes, so none goes stale.
#[derive(Debug, Default)]
pub struct PublicKeys(RwLock<HashMap<VersionId, Arc<PublicKey>>>);

impl PublicKeys {
    /// The parsed public key of a version.
    ///
    /// # Errors
    /// Where the version has no public half.
    pub fn of(&self, version: &KeyVersion) -> Result<Arc<PublicKey>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&version.version).cloned();
        if let Some(key) = known {
            return Ok(key);
        }
        let key = Arc::new(PublicKey::parse(&version.material)?);
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MOST {
            keys.clear();
        }
        keys.insert(version.version, key.clone());
        Ok(key)
    }
}
