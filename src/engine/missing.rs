//! Looks for key versions whose material is not in their token.
//!
//! What a token held when it was opened is known from one listing. Where that lacks something, the token is listed once
//! more, for all that it lacks: a listing costs time for every object, so one for each key would take minutes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Engine;
use crate::model::Result;
use crate::model::change::IntentVerb;
use crate::model::hsm::ManagedHsm;
use crate::model::key::KeyVersion;
use crate::ops::hsm_lock;
use crate::store::Listing;
use crate::token::Token;

/// A key version, and the HSM that has it.
type Kept = (Arc<ManagedHsm>, Arc<KeyVersion>);

impl Engine {
    /// Counts the key versions whose material their token does not hold. They are reported, and stay. One that is
    /// being purged is not missing.
    ///
    /// # Errors
    /// The first of the tokens that cannot say what they hold; the others are looked at all the same.
    pub async fn missing_material(&self) -> Result<usize> {
        let mut tokens: BTreeMap<String, Vec<Arc<ManagedHsm>>> = BTreeMap::new();
        for hsm in self.0.store.hsms() {
            tokens.entry(hsm.token_serial.clone()).or_default().push(hsm);
        }
        let (mut missing, mut failed) = (0, Ok(()));
        for hsms in tokens.into_values() {
            match self.missing_of(&hsms).await {
                Ok(count) => missing += count,
                Err(error) if self.any_is_there(&hsms).await => failed = failed.and(Err(error)),
                // Purged meanwhile, they have no token to ask any more.
                Err(_) => {}
            }
        }
        failed.map(|()| missing)
    }

    /// Counts what is missing of HSMs that have their keys in the same token.
    async fn missing_of(&self, hsms: &[Arc<ManagedHsm>]) -> Result<usize> {
        let Some(first) = hsms.first() else { return Ok(0) };
        let token = self.0.tokens.of(&first.name)?;
        let unseen: Vec<Kept> = hsms
            .iter()
            .flat_map(|hsm| self.versions(hsm))
            .filter(|(_, version)| !token.knows(version.version))
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

    /// Those that the token does not hold although nobody is destroying them, by one listing.
    async fn not_held(&self, token: &Token, unseen: Vec<Kept>) -> Result<Vec<Kept>> {
        if unseen.is_empty() {
            return Ok(unseen);
        }
        let held = token.holds(unseen.iter().map(|(_, version)| version.version).collect()).await?;
        // Whoever destroys material has declared it before, and the declaration ends with the record of the key: what
        // was being purged when the token was listed is either declared now or not on record any more.
        let intents = self.0.store.intents();
        let is_destroyed = |(hsm, version): &Kept| {
            intents.iter().filter(|intent| intent.hsm.folded() == hsm.name.folded()).any(
                |intent| match intent.verb {
                    IntentVerb::Destroy => intent.objects.contains(&version.version),
                    IntentVerb::Wipe => true,
                    IntentVerb::Create | IntentVerb::Provision => false,
                },
            )
        };
        let is_kept = |(hsm, version): &Kept| {
            self.0.store.hsm(&hsm.name).is_some_and(|now| now.id == hsm.id)
                && self
                    .0
                    .store
                    .key(&hsm.name, &version.name)
                    .is_some_and(|key| key.version(Some(version.version)).is_some())
        };
        let missing = unseen.into_iter().zip(held).filter(|(_, held)| !held).map(|(kept, _)| kept);
        Ok(missing.filter(|kept| !is_destroyed(kept) && is_kept(kept)).collect())
    }

    fn versions(&self, hsm: &Arc<ManagedHsm>) -> Vec<Kept> {
        let keys = [Listing::Live, Listing::Deleted]
            .into_iter()
            .flat_map(|listing| self.0.store.keys(&hsm.name, listing, None, usize::MAX));
        keys.flat_map(|key| key.versions.clone()).map(|version| (Arc::clone(hsm), version)).collect()
    }

    /// Whether any of these HSMs is there still, once nobody is purging it.
    async fn any_is_there(&self, hsms: &[Arc<ManagedHsm>]) -> bool {
        for hsm in hsms {
            let _held = self.0.locks.acquire(hsm_lock(&hsm.name)).await;
            if self.0.store.hsm(&hsm.name).is_some_and(|now| now.id == hsm.id) {
                return true;
            }
        }
        false
    }
}
