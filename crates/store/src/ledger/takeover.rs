//! Takes over what an instance has left that does not run any more: intents, and usage that it has not written.
//!
//! The instance with the lease does this. The lock of its session shows that an instance runs; the server frees it when the session
//! ends. It cannot start again meanwhile, because the lock is held until the transaction ends.

use super::Ledger;
use crate::ambiguous_commit;
use crate::change_log::{self, Entry, Follower};
use crate::change_set::ChangeSet;
use crate::connection::{count_instances, try_lock_instance};
use crate::database::{Database, SqlError, query};
use crate::instance::InstanceName;
use crate::load;
use crate::model::storage_failure::StoragePart;
use crate::model::{Error, Result};
use crate::replay;
use crate::usage::Usage;
use crate::usage_statements;

impl Ledger {
    /// Requests the lease, if that is due, and does the work of its holder.
    pub(super) async fn keep_lease(&mut self) {
        if !self.db.is_shared() || !self.lease.due_in().is_zero() || self.faults.any() {
            return;
        }
        match self.lease.request(&mut self.db, &self.instance).await {
            Ok(true) => {
                tracing::info!(event = "lease.acquired", instance = %self.instance, "this instance does the scheduled work");
            }
            Ok(false) => {}
            Err(error) => {
                self.faults.begin(StoragePart::Database, &error);
                return;
            }
        }
        match count_instances(&mut self.db).await {
            Ok(count) => self.memory.set_instances(count),
            Err(error) => {
                self.faults.begin(StoragePart::Database, &error);
                return;
            }
        }
        if self.lease.is_held()
            && let Err(error) = self.take_over().await
        {
            self.faults.begin(StoragePart::Database, &error);
        }
    }

    async fn take_over(&mut self) -> Result<()> {
        let failed = |error| Error::internal_caused_by("the database cannot be queried", error);
        let mut dead = Vec::new();
        for (name, has_left) in others(&mut self.db, &self.instance).await.map_err(failed)? {
            let is_dead = self.take_over_from(&name, has_left).await?;
            if is_dead {
                dead.push(name.to_string());
            }
        }
        self.memory.set_dead_instances(dead);
        Ok(())
    }

    /// Takes over what an instance has left, if it has left something. Returns whether it does not run.
    async fn take_over_from(&mut self, dead: &InstanceName, has_left: bool) -> Result<bool> {
        let failed = |error| Error::internal_caused_by("an instance cannot be taken over", error);
        let (memory, instance) = (&self.memory, &self.instance);
        let mut db = self.db.begin().await.map_err(failed)?;
        let is_dead = try_lock_instance(&mut db, dead).await.map_err(failed)?;
        if !is_dead || !has_left {
            db.rollback().await.map_err(failed)?;
            return Ok(is_dead);
        }
        change_log::lock(&mut db).await.map_err(failed)?;
        let known = &mut self.database.groups;
        let (unsaved, last_entry) = (&mut self.unsaved, &mut self.last_entry);
        let follower = Follower { memory, unsaved, last_entry };
        let followed = change_log::follow(&mut db, known, instance, follower).await;
        followed.map_err(|error| Error::internal_caused_by("an instance cannot be taken over", error))?;
        let mut position = ambiguous_commit::read(&mut db, dead).await.map_err(failed)?;
        let left = replay::read_rows(&mut db, dead, &position).await?;
        let intents = load::intents(&mut db, dead).await?;
        let sql = "-- take_over_intents
            UPDATE intents SET instance = $1 WHERE instance = $2";
        query(sql).bind(instance.as_str()).bind(dead.as_str()).execute(&mut db).await.map_err(failed)?;
        usage_statements::add_usage(&mut db, &left.usage).await.map_err(failed)?;
        position.groups = *known + 1;
        position.head = left.head;
        ambiguous_commit::write(&mut db, dead, &position).await.map_err(failed)?;
        // The entry is that of the other instance: should its COMMIT be ambiguous, this instance follows it.
        let usage = [&left.usage, &Usage::default()];
        let written = Entry::of_takeover().write(&mut db, (position.groups, dead), &[], usage).await;
        let written = written.map_err(failed)?;
        db.commit().await.map_err(failed)?;
        *known = position.groups;
        self.last_entry = Some(written);
        metrics::counter!(strongroom_telemetry::TAKEOVERS).increment(1);
        tracing::info!(event = "instance.taken_over", name = %dead, intents = intents.len(), "took over from an instance that does not run");
        memory.usage().add(left.usage);
        memory.apply(ChangeSet { opened: intents, ..ChangeSet::default() });
        Ok(true)
    }

    /// Compares the intents in memory with the database, after the session was replaced: another instance may have taken them over
    /// meanwhile, or this one has taken over some in a transaction whose COMMIT was ambiguous.
    pub(super) async fn find_intents(&mut self) -> Result<()> {
        let known = self.memory.intents();
        let mut opened = load::intents(&mut self.db, &self.instance).await?;
        for lost in known.iter().filter(|known| opened.iter().all(|open| open.id != known.id)) {
            tracing::warn!(intent = %lost.id, "another instance has taken over an intent of this one");
            self.memory.lose_intent(lost.id);
        }
        opened.retain(|intent| known.iter().all(|known| known.id != intent.id));
        self.memory.apply(ChangeSet { opened, ..ChangeSet::default() });
        Ok(())
    }
}

/// The other instances, and whether they have intents, or records whose usage is not counted.
async fn others(
    db: &mut Database,
    instance: &InstanceName,
) -> std::result::Result<Vec<(InstanceName, bool)>, SqlError> {
    let sql = "-- other_instances
        SELECT name, (EXISTS (SELECT 1 FROM intents WHERE intents.instance = name)
            OR EXISTS (SELECT 1 FROM audit_records r WHERE r.instance = name AND r.last_seq > seq))::int::bigint AS has_left
        FROM instances WHERE name <> $1 ORDER BY name";
    let mut found = Vec::new();
    for row in query(sql).bind(instance.as_str()).fetch_all(db).await? {
        let name = row.get::<&str>("name")?.parse().map_err(|error| SqlError::Decode(Box::new(error)))?;
        found.push((name, row.get::<i64>("has_left")? != 0));
    }
    Ok(found)
}
