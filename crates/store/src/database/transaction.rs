//! Transactions and savepoints.

use std::ops::{Deref, DerefMut};

use super::{Database, Engine, SqlError, query};

/// A transaction that writes, or a savepoint in one. One that is dropped before its end is rolled back with all that it is in, at
/// the latest when the next one begins.
#[must_use]
pub(crate) struct Transaction<'c> {
    db: &'c mut Database,
    is_open: bool,
}

impl Database {
    /// Begins a transaction that writes, or a savepoint if there is a transaction already.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, SqlError> {
        self.roll_back_abandoned().await;
        let sql = match (self.depth, &self.engine) {
            // Takes the write lock at once: a transaction that reads first cannot wait for another process to end its own.
            (0, Engine::Sqlite(_)) => "BEGIN IMMEDIATE",
            // Those that write lock the number of groups first (see `change_log`), so that no stricter level of isolation is needed.
            (0, Engine::Postgres(_)) => "BEGIN ISOLATION LEVEL READ COMMITTED",
            (_, _) => "SAVEPOINT nested",
        };
        query(sql).execute(self).await?;
        self.depth += 1;
        Ok(Transaction { db: self, is_open: true })
    }

    /// Rolls back a transaction that was dropped before its end.
    pub(crate) async fn roll_back_abandoned(&mut self) {
        if std::mem::take(&mut self.is_abandoned) {
            self.depth = 0;
            // After some errors there is no transaction any more. If there is one, the next cannot begin, which is an error then.
            if let Err(error) = query("ROLLBACK").execute(self).await {
                tracing::debug!(%error, "a failed transaction was not rolled back");
            }
        }
    }
}

impl Transaction<'_> {
    /// Makes the changes durable, or adds those of a savepoint to its transaction. After an error it is unknown whether a
    /// transaction was written.
    pub(crate) async fn commit(mut self) -> Result<(), SqlError> {
        if self.is_abandoned {
            return Err(SqlError::Protocol("a savepoint of the transaction has failed".into()));
        }
        let sql = if self.depth == 1 { "COMMIT" } else { "RELEASE SAVEPOINT nested" };
        query(sql).execute(&mut self).await?;
        self.end();
        Ok(())
    }

    /// Undoes the changes.
    pub(crate) async fn rollback(mut self) -> Result<(), SqlError> {
        if self.depth == 1 {
            query("ROLLBACK").execute(&mut self).await?;
        } else {
            query("ROLLBACK TO SAVEPOINT nested").execute(&mut self).await?;
            query("RELEASE SAVEPOINT nested").execute(&mut self).await?;
        }
        self.end();
        Ok(())
    }

    fn end(&mut self) {
        self.is_open = false;
        self.depth -= 1;
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.db.is_abandoned |= self.is_open;
    }
}

impl Deref for Transaction<'_> {
    type Target = Database;

    fn deref(&self) -> &Self::Target {
        self.db
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.db
    }
}
