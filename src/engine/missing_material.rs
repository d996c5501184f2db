//! Finds key versions whose material is missing from their token.
//!
//! A token is listed once when it is opened. If key versions are missing from that listing, the token is listed once
//! more for all of them: a listing takes time for every object, so one listing per key would take minutes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use crate::model::Result;
use crate::model::container::ContainerId;
use crate::model::hsm::ManagedHsm;
use crate::model::key::KeyVersion;
use crate::ops::hsm_lock;
use crate::store::Listing;
use crate::token::Token;

/// A key version and its HSM.
type HsmVersion = (Arc<ManagedHsm>, Arc<KeyVersion>);

impl Engine {
    /// Counts the key versions whose material is missing from their token, and logs each. Their records are kept. A
    /// version that is being purged is not counted.
    ///
    /// # Errors
    /// The first error of a token that cannot be listed; the other tokens are still checked.
    pub async fn missing_material(&self) -> Result<usize> {
        let mut tokens: BTreeMap<String, Vec<Arc<ManagedHsm>>> = BTreeMap::new();
        for hsm in self.0.store.hsms() {
            tokens.entry(hsm.token_serial.clone()).or_default().push(hsm);
        }
        let (mut missing, mut failed) = (0, Ok(()));
        for hsms in tokens.into_values() {
            match self.missing_of(&hsms).await {
                Ok(count) => missing += count,
                Err(error) if self.any_exists(&hsms).await => failed = failed.and(Err(error)),
                // The HSMs were purged meanwhile and have no token any more.
                Err(_) => {}
            }
        }
        failed.map(|()| missing)
    }

    /// Counts the missing versions of HSMs that share a token.
    async fn missing_of(&self, hsms: &[Arc<ManagedHsm>]) -> Result<usize> {
        let Some(first) = hsms.first() else { return Ok(0) };
        let token = self.0.tokens.of(&(&first.name).into())?;
        let unseen: Vec<HsmVersion> = hsms
            .iter()
            .flat_map(|hsm| self.versions(hsm))
            .filter(|(_, version)| !token.has_cached_handle(version.version))
            .collect();
        let mut missing = 0;
        for (hsm, version) in self.not_held(&token, unseen).await? {
            missing += 1;
            tracing::error!(
                hsm = %hsm.name, key = %version.name, version = %version.version,
                "the token does not hold this key version"
            );
        }
        Ok(missing)
    }

    /// Lists the token once; returns the versions that it does not hold and that are not being destroyed.
    async fn not_held(&self, token: &Token, unseen: Vec<HsmVersion>) -> Result<Vec<HsmVersion>> {
        if unseen.is_empty() {
            return Ok(unseen);
        }
        let held = token.holds(unseen.iter().map(|(_, version)| version.version).collect()).await?;
        // An intent is declared before material is destroyed, and is closed together with the key's record: a version
        // that was being purged when the token was listed either has an open intent now or no record any more.
        let intents = self.0.store.intents();
        let is_destroyed = |(_, version): &HsmVersion| {
            intents
                .iter()
                .filter(|intent| {
                    intent.container.to_case_insensitive() == version.container.to_case_insensitive()
                })
                .any(|intent| intent.destroys(version.version))
        };
        let is_recorded = |(hsm, version): &HsmVersion| {
            self.0.store.hsm(&hsm.name).is_some_and(|now| now.id == hsm.id)
                && self
                    .0
                    .store
                    .key(&version.container, &version.name)
                    .is_some_and(|key| key.version(Some(version.version)).is_some())
        };
        let missing = unseen.into_iter().zip(held).filter(|(_, held)| !held).map(|(version, _)| version);
        Ok(missing.filter(|version| !is_destroyed(version) && is_recorded(version)).collect())
    }

    fn versions(&self, hsm: &Arc<ManagedHsm>) -> Vec<HsmVersion> {
        let container = ContainerId::from(&hsm.name);
        let keys = [Listing::Live, Listing::Deleted]
            .into_iter()
            .flat_map(|listing| self.0.store.keys(&container, listing, None, usize::MAX));
        keys.flat_map(|key| key.versions.clone()).map(|version| (Arc::clone(hsm), version)).collect()
    }

    /// Whether any of these HSMs still exists, after a running purge has ended.
    async fn any_exists(&self, hsms: &[Arc<ManagedHsm>]) -> bool {
        for hsm in hsms {
            let _held = self.0.locks.acquire(hsm_lock(&hsm.name)).await;
            if self.0.store.hsm(&hsm.name).is_some_and(|now| now.id == hsm.id) {
                return true;
            }
        }
        false
    }
}
