//! Writes the changes of one commit within the transaction of its group.

use super::change_set::ChangeSet;
use super::commit::Commit;
use super::database::Database;
use super::events;
use super::failure::Failure;
use super::instance::InstanceName;
use super::memory::Memory;
use super::statements;
use super::transaction::Transaction;
use crate::model::{Error, Timestamp};

/// Writes the changes of one commit in a savepoint, which is rolled back if one of them fails.
pub(super) async fn stage(
    db: &mut Database,
    memory: &Memory,
    group: &mut ChangeSet,
    (commit, instance): (&Commit, &InstanceName),
) -> std::result::Result<(), Failure> {
    let mut savepoint = db.begin().await.map_err(Failure::Database)?;
    let mut transaction = Transaction::new(memory, group).under(commit.rules);
    // When the call arrived; commits without a call, such as those at start-up, use the current time.
    let at = commit.record.as_ref().map_or_else(|| memory.now(), |record| record.at);
    match apply(&mut savepoint, &mut transaction, (commit, instance), at).await {
        Ok(()) => {
            savepoint.commit().await.map_err(Failure::Database)?;
            let changes = transaction.into_changes();
            group.absorb(changes);
            Ok(())
        }
        Err(failure) => {
            savepoint.rollback().await.map_err(Failure::Database)?;
            Err(failure)
        }
    }
}

async fn apply(
    db: &mut Database,
    transaction: &mut Transaction<'_>,
    (commit, instance): (&Commit, &InstanceName),
    at: Timestamp,
) -> std::result::Result<(), Failure> {
    if db.is_shared() {
        for id in &commit.close {
            if !statements::has_intent(db, *id, instance).await? {
                // Another instance has taken it over, and undoes what is not committed.
                transaction.memory().lose_intent(*id);
                let what = "what an unfinished operation has begun".to_owned();
                return Err(Error::Conflict { what }.into());
            }
        }
    }
    for change in &commit.changes {
        let events = events::derive(change, transaction);
        transaction.apply(change)?;
        statements::change(db, change, transaction).await?;
        transaction.add_events(at, events);
    }
    if let Some(intent) = &commit.open {
        statements::insert_intent(db, intent, instance).await?;
        transaction.open(intent.clone());
    }
    for id in &commit.close {
        statements::delete_intent(db, *id).await?;
        transaction.close(*id);
    }
    Ok(())
}
