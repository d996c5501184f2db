//! What the handle of the store asks of its ledger.

use std::sync::atomic::Ordering;

use tokio::sync::oneshot;
use uuid::Uuid;

use super::commit::{Commit, Committed, Durability};
use super::instance::InstanceName;
use super::ledger::Message;
use super::{Store, chain};
use crate::model::{Error, Result};

impl Store {
    /// Commits the writes of a call. Changes and intents are durable and visible to readers when this
    /// returns; a commit with only an audit record follows the store's [`Durability`]. Dropping the future
    /// does not cancel a queued commit.
    ///
    /// # Errors
    /// The violated precondition of a change; nothing of the commit is written then. `Internal` if the
    /// database fails or the store is closed.
    pub async fn commit(&self, commit: Commit) -> Result<()> {
        match self.commit_decided(Commit { decided_by: None, ..commit }).await? {
            Committed::Done => Ok(()),
            Committed::Outdated => Err(Error::internal("a commit that depends on no state is outdated")),
        }
    }

    /// Whether other instances of the service may use the database: calls may have to be decided again.
    pub fn is_shared(&self) -> bool {
        self.0.lease.is_some()
    }

    /// The name of this instance.
    pub fn instance(&self) -> &InstanceName {
        &self.0.instance
    }

    /// Whether this instance does the scheduled work: it is the only one, or has the lease.
    pub fn does_scheduled_work(&self) -> bool {
        self.0.lease.as_ref().is_none_or(|lease| lease.is_held())
    }

    /// Whether another instance has taken over this intent of this instance, which seemed not to run. Returns this once.
    pub fn take_lost_intent(&self, id: Uuid) -> bool {
        self.0.memory.take_lost_intent(id)
    }

    /// The instances that do not run, as far as the instance that does the scheduled work knows.
    pub fn dead_instances(&self) -> Vec<String> {
        self.0.memory.dead_instances()
    }

    /// The number of instances that run, this one included, as of a few seconds ago.
    pub fn instances(&self) -> usize {
        self.0.memory.instances()
    }

    /// The state that readers see now, for [`DecidedBy::position`](super::DecidedBy::position).
    pub fn position(&self) -> u64 {
        self.0.memory.foreign().applied()
    }

    /// As [`commit`](Self::commit), unless the commit was decided by a state that has changed.
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn commit_decided(&self, commit: Commit) -> Result<Committed> {
        if commit.record.as_ref().is_some_and(|record| !chain::is_record(&record.body)) {
            return Err(Error::internal("an audit record must be one JSON object on one line"));
        }
        let closed = || Error::internal("the store is closed");
        // In a shared database, the answer depends on what other instances have done.
        let unattended = commit.is_record_only()
            && self.0.durability == Durability::Relaxed
            && !self.is_shared()
            && !self.0.faults.any();
        if unattended {
            let queued = self.0.queue.send(Message::Commit(commit, None)).await;
            return queued.map(|()| Committed::Done).map_err(|_| closed());
        }
        let (reply, result) = oneshot::channel();
        self.0.queue.send(Message::Commit(commit, Some(reply))).await.map_err(|_| closed())?;
        result.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Waits until no commit is ambiguous. Readers then see the result: an intent that the store does not have was closed by a commit.
    ///
    /// # Errors
    /// `Internal` if the database cannot be queried or the store is closed. Nothing may be rolled back then, because a
    /// record may depend on it.
    pub async fn resolve_ambiguous_commits(&self) -> Result<()> {
        if !self.0.is_ambiguous.load(Ordering::Acquire) && !self.0.queue.is_closed() {
            return Ok(());
        }
        let unknown = || Error::internal("it is unknown whether the last changes were written");
        let (reply, settled) = oneshot::channel();
        self.0.queue.send(Message::ResolveAmbiguous(reply)).await.map_err(|_| unknown())?;
        if settled.await == Ok(true) { Ok(()) } else { Err(unknown()) }
    }

    /// Writes the usage of all records to the database, so that it depends on no file of the log.
    ///
    /// # Errors
    /// `Internal` if the log or the database fails, or the store is closed.
    pub async fn checkpoint(&self) -> Result<()> {
        let failed = || Error::internal("usage could not be written to the database");
        let (reply, written) = oneshot::channel();
        self.0.queue.send(Message::Checkpoint(reply)).await.map_err(|_| failed())?;
        if written.await == Ok(true) { Ok(()) } else { Err(failed()) }
    }

    /// Writes what is queued and closes the database. Commits fail from then on.
    pub async fn close(&self) {
        let (closed, done) = oneshot::channel();
        if self.0.queue.send(Message::Close(closed)).await.is_ok() {
            // An error means that the ledger has already ended.
            let _ = done.await;
        }
    }
}
