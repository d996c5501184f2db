//! The sweeper: completes or undoes the operations of open intents, after a crash or a failure of a token.
//!
//! It changes only objects that an intent names. Unrecognized objects are reported and never removed.

use super::Engine;
use crate::model::Result;
use crate::model::audit_entry::{AuditEntry, Meter, Origin};
use crate::model::change::{Change, Intent, IntentVerb};
use crate::model::deletion::{Deletable, Transition};
use crate::model::name::KeyName;
use crate::ops::{hsm_lock, key_lock, wipe};
use crate::store::{AuditRecord, Commit, Listing};

/// The result of one sweep.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SweepReport {
    /// The number of intents that were closed.
    pub concluded: usize,
    /// The number of intents that failed and are retried.
    pub failed: usize,
}

impl Engine {
    /// Closes every intent whose operation is no longer running.
    pub async fn sweep(&self) -> SweepReport {
        let mut swept = SweepReport::default();
        if let Err(error) = self.0.store.resolve_ambiguous_commits().await {
            // An intent that looks open may have been closed by an ambiguous commit.
            tracing::warn!(%error, "the sweep is skipped");
            return swept;
        }
        for intent in self.0.store.intents() {
            if self.0.running_intents.contains(intent.id) {
                continue;
            }
            match self.conclude(&intent).await {
                Ok(()) => swept.concluded += 1,
                Err(error) => {
                    swept.failed += 1;
                    tracing::warn!(intent = %intent.id, hsm = %intent.hsm, %error, "an intent could not be closed");
                }
            }
        }
        swept
    }

    async fn conclude(&self, intent: &Intent) -> Result<()> {
        match intent.verb {
            IntentVerb::Create => self.destroy_created(intent).await,
            IntentVerb::Destroy => self.finish_key_purge(intent).await,
            IntentVerb::Provision => {
                // A running creation of an HSM with this name may be using the token.
                let _held = self.0.locks.acquire(hsm_lock(&intent.hsm)).await;
                self.rollback_allocation(intent).await
            }
            IntentVerb::Wipe => self.finish_hsm_purge(intent).await,
        }
    }

    /// Destroys the objects that an operation declared to create, and closes its intent.
    pub(super) async fn destroy_created(&self, intent: &Intent) -> Result<()> {
        self.0.tokens.of(&intent.hsm)?.destroy(&intent.objects).await?;
        self.close(intent).await
    }

    /// Rolls back the token allocation of an HSM that was not created, and closes its intent. The caller holds the lock
    /// of the HSM.
    pub(super) async fn rollback_allocation(&self, intent: &Intent) -> Result<()> {
        if self.0.store.hsm(&intent.hsm).is_none() {
            self.0.tokens.detach(&intent.hsm);
        }
        self.0.supply.rollback(intent.hsm.as_str(), || self.0.store.token_serials()).await?;
        self.close(intent).await
    }

    async fn close(&self, intent: &Intent) -> Result<()> {
        self.0.store.commit(Commit { close: vec![intent.id], ..Commit::default() }).await
    }

    /// Completes the purge of a key: destroys its objects and removes it from the store.
    async fn finish_key_purge(&self, intent: &Intent) -> Result<()> {
        let token = self.0.tokens.of(&intent.hsm)?;
        let Some(name) = self.purged_key(intent) else {
            token.destroy(&intent.objects).await?;
            return self.close(intent).await;
        };
        let _held = self.0.locks.acquire(key_lock(&intent.hsm, &name)).await;
        token.destroy(&intent.objects).await?;
        let target = format!("hsms/{}/deletedKeys/{name}", intent.hsm);
        let change = Change::Transition(
            Deletable::Key(intent.hsm.clone(), name),
            Transition::Purge(self.0.clock.now()),
        );
        self.finish_purge(intent, change, ("KeyPurge", target)).await
    }

    /// Completes the purge of an HSM: wipes its token and removes it from the store.
    async fn finish_hsm_purge(&self, intent: &Intent) -> Result<()> {
        let _held = self.0.locks.acquire(hsm_lock(&intent.hsm)).await;
        let Some(hsm) = self.0.store.hsm(&intent.hsm).filter(|hsm| hsm.deletion.is_some()) else {
            return self.close(intent).await;
        };
        wipe(&self.0.store, &self.0.supply, &hsm).await?;
        self.0.tokens.detach(&hsm.name);
        let target = hsm.deleted_id();
        let change = Change::Transition(
            Deletable::ManagedHsm(hsm.name.clone()),
            Transition::Purge(self.0.clock.now()),
        );
        self.finish_purge(intent, change, ("ManagedHsmPurge", target)).await
    }

    /// Commits an interrupted purge, with an audit record.
    async fn finish_purge(
        &self,
        intent: &Intent,
        change: Change,
        (event, target): (&'static str, String),
    ) -> Result<()> {
        let entry = AuditEntry {
            at: self.0.clock.now(),
            event,
            meter: Meter::Free,
            hsm: Some(intent.hsm.clone()),
            target,
            caller: None,
            origin: Origin {
                client_info: "strongroom, finishing an interrupted purge".to_owned(),
                correlation_id: intent.id,
                operation_version: "v1".into(),
                ..Origin::default()
            },
            result: Ok(()),
            status: 200,
            duration: std::time::Duration::ZERO,
        };
        let record = AuditRecord {
            at: entry.at,
            hsm: entry.hsm.clone(),
            event: entry.event,
            meter: entry.meter,
            version: None,
            body: crate::audit::render(&entry, self.0.store.hsm(&intent.hsm).as_deref()),
        };
        let (changes, close) = (vec![change], vec![intent.id]);
        self.0.store.commit(Commit { changes, close, record: Some(record), ..Commit::default() }).await
    }

    /// Returns the deleted key whose versions the intent names.
    fn purged_key(&self, intent: &Intent) -> Option<KeyName> {
        let deleted = self.0.store.keys(&intent.hsm, Listing::Deleted, None, usize::MAX);
        let key = deleted
            .into_iter()
            .find(|key| key.versions.iter().all(|version| intent.objects.contains(&version.version)))?;
        Some(key.name.clone())
    }
}
