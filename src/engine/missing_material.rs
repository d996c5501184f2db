//! Finds key versions whose material is missing from their token.
//!
//! A token is listed once when it is opened. If key versions are missing from that listing, the token is listed once
//! more for all of them: a listing takes time for every object, so one listing per key would take minutes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use crate::model::Result;
use crate::model::container::Container;
use crate::model::key::KeyVersion;
use crate::ops::container_lock;
use crate::store::Listing;
use crate::token::Token;

/// A key version and its container.
type ContainedVersion = (Container, Arc<KeyVersion>);

impl Engine {
    /// Counts the key versions whose material is missing from their token, and logs each. Their records are kept. A
    /// version that is being purged is not counted.
    ///
    /// # Errors
    /// The first error of a token that cannot be listed; the other tokens are still checked.
    pub async fn missing_material(&self) -> Result<usize> {
        let mut tokens: BTreeMap<String, Vec<Container>> = BTreeMap::new();
        for container in self.0.store.containers() {
            tokens.entry(container.token_serial().to_owned()).or_default().push(container);
        }
        let (mut missing, mut failed) = (0, Ok(()));
        for containers in tokens.into_values() {
            match self.missing_of(&containers).await {
                Ok(count) => missing += count,
                Err(error) if self.any_exists(&containers).await => failed = failed.and(Err(error)),
                // The containers were purged meanwhile and have no token any more.
                Err(_) => {}
            }
        }
        failed.map(|()| missing)
    }

    /// Counts the missing versions of containers that share a token.
    async fn missing_of(&self, containers: &[Container]) -> Result<usize> {
        let Some(first) = containers.first() else { return Ok(0) };
        let token = self.0.tokens.of(&first.id())?;
        let unseen: Vec<ContainedVersion> = containers
            .iter()
            .flat_map(|container| self.versions(container))
            .filter(|(_, version)| !token.has_cached_handle(version.version))
            .collect();
        let mut missing = 0;
        for (container, version) in self.not_held(&token, unseen).await? {
            missing += 1;
            tracing::error!(
                container = %container.id(), key = %version.name, version = %version.version,
                "the token does not hold this key version"
            );
        }
        Ok(missing)
    }

    /// Lists the token once; returns the versions that it does not hold and that are not being destroyed.
    async fn not_held(&self, token: &Token, unseen: Vec<ContainedVersion>) -> Result<Vec<ContainedVersion>> {
        if unseen.is_empty() {
            return Ok(unseen);
        }
        let held = token.holds(unseen.iter().map(|(_, version)| version.version).collect()).await?;
        // An intent is declared before material is destroyed, and is closed together with the key's record: a version
        // that was being purged when the token was listed either has an open intent now or no record any more.
        let intents = self.0.store.intents();
        let is_destroyed = |(_, version): &ContainedVersion| {
            intents
                .iter()
                .filter(|intent| {
                    intent.container.to_case_insensitive() == version.container.to_case_insensitive()
                })
                .any(|intent| intent.destroys(version.version))
        };
        let is_recorded = |(container, version): &ContainedVersion| {
            self.exists(container)
                && self
                    .0
                    .store
                    .key(&version.container, &version.name)
                    .is_some_and(|key| key.version(Some(version.version)).is_some())
        };
        let missing = unseen.into_iter().zip(held).filter(|(_, held)| !held).map(|(version, _)| version);
        Ok(missing.filter(|version| !is_destroyed(version) && is_recorded(version)).collect())
    }

    /// Whether this container, and not a later one of its name, exists.
    fn exists(&self, container: &Container) -> bool {
        let now = self.0.store.container(&container.id());
        now.is_some_and(|now| now.unique_id() == container.unique_id())
    }

    fn versions(&self, container: &Container) -> Vec<ContainedVersion> {
        let id = container.id();
        let keys = [Listing::Live, Listing::Deleted]
            .into_iter()
            .flat_map(|listing| self.0.store.keys(&id, listing, None, usize::MAX));
        keys.flat_map(|key| key.versions.clone()).map(|version| (container.clone(), version)).collect()
    }

    /// Whether any of these containers still exists, after a running purge has ended.
    async fn any_exists(&self, containers: &[Container]) -> bool {
        for container in containers {
            let _held = self.0.locks.acquire(container_lock(&container.id())).await;
            if self.exists(container) {
                return true;
            }
        }
        false
    }
}
