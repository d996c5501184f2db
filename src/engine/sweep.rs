//! Finishes or undoes what was declared and not concluded: after a crash, or after a token that failed.
//!
//! It touches only what an intent names. What it does not understand is reported, never removed.

use super::Engine;
use crate::model::Result;
use crate::model::change::{Change, Intent, IntentVerb};
use crate::model::entry::{Entry, Meter, Origin};
use crate::model::name::HsmName;
use crate::store::{Commit, Listing};
use crate::token::Token;

/// What one sweep found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Swept {
    /// Intents concluded.
    pub concluded: usize,
    /// Intents that could not be, to be tried again.
    pub left: usize,
}

impl Engine {
    /// Concludes every intent whose operation is not running any more.
    pub async fn sweep(&self) -> Swept {
        let mut swept = Swept::default();
        for intent in self.0.store.intents() {
            if self.0.under_way.contains(intent.id) {
                continue;
            }
            match self.conclude(&intent).await {
                Ok(()) => swept.concluded += 1,
                Err(error) => {
                    swept.left += 1;
                    tracing::warn!(intent = %intent.id, hsm = %intent.hsm, %error, "an intent could not be concluded");
                }
            }
        }
        swept
    }

    async fn conclude(&self, intent: &Intent) -> Result<()> {
        let token = self.token(&intent.hsm)?;
        match intent.verb {
            IntentVerb::Create => self.discard(&token, intent).await,
            IntentVerb::Destroy => self.finish_purge(&token, intent).await,
        }
    }

    /// Destroys what an operation began to make, and closes its intent.
    pub(super) async fn discard(&self, token: &Token, intent: &Intent) -> Result<()> {
        token.destroy(&intent.objects).await?;
        self.0.store.commit(Commit { close: vec![intent.id], ..Commit::default() }).await
    }

    /// Destroys what a purge began to destroy, and takes its key out of the store.
    async fn finish_purge(&self, token: &Token, intent: &Intent) -> Result<()> {
        let mut changes = Vec::new();
        let mut target = String::new();
        let mut held = None;
        if let Some((name, lock)) = self.purged_key(&intent.hsm, intent) {
            held = Some(self.0.locks.acquire(lock).await);
            target = format!("hsms/{}/deletedKeys/{name}", intent.hsm);
            changes.push(Change::Purge(intent.hsm.clone(), name));
        }
        token.destroy(&intent.objects).await?;
        let record = (!changes.is_empty()).then(|| {
            let entry = Entry {
                at: self.0.clock.now(),
                event: "KeyPurge",
                meter: Meter::Free,
                hsm: Some(intent.hsm.clone()),
                target,
                caller: None,
                origin: Origin {
                    client_info: "strongroom, finishing an interrupted purge".to_owned(),
                    correlation_id: intent.id,
                    operation_version: "v1",
                    ..Origin::default()
                },
                result: Ok(()),
                status: 200,
                duration: std::time::Duration::ZERO,
            };
            crate::store::Record {
                at: entry.at,
                hsm: entry.hsm.clone(),
                event: entry.event,
                meter: entry.meter,
                version: None,
                body: crate::audit::render(&entry, self.0.store.hsm(&intent.hsm).as_deref()),
            }
        });
        let done = self.0.store.commit(Commit { changes, open: None, close: vec![intent.id], record }).await;
        drop(held);
        done
    }

    /// The deleted key an intent was about to destroy, and its lock.
    fn purged_key(&self, hsm: &HsmName, intent: &Intent) -> Option<(crate::model::name::KeyName, String)> {
        let deleted = self.0.store.keys(hsm, Listing::Deleted, None, usize::MAX);
        let key = deleted
            .into_iter()
            .find(|key| key.versions.iter().all(|version| intent.objects.contains(&version.version)))?;
        Some((key.name.clone(), format!("{}/{}", hsm.folded(), key.name.folded())))
    }

    /// Counts the key versions whose material the token does not hold. They are reported, and stay.
    ///
    /// # Errors
    /// Where a token cannot say what it holds.
    pub async fn missing_material(&self) -> Result<usize> {
        let mut missing = 0;
        for hsm in self.0.store.hsms() {
            let token = self.token(&hsm.name)?;
            for listing in [Listing::Live, Listing::Deleted] {
                for key in self.0.store.keys(&hsm.name, listing, None, usize::MAX) {
                    let versions: Vec<_> = key.versions.iter().map(|version| version.version).collect();
                    for (version, held) in versions.iter().zip(token.holds(versions.clone()).await?) {
                        if !held {
                            missing += 1;
                            tracing::error!(hsm = %hsm.name, key = %key.name, %version, "the token does not hold this key version");
                        }
                    }
                }
            }
        }
        Ok(missing)
    }
}
