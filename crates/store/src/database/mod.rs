//! The database behind all SQL of this crate: SQLite today.
//!
//! A statement is written once, with the placeholders `$1`, `$2` and so on, and runs through [`query`]. The functions with
//! statements therefore name no engine. Columns are BIGINT and TEXT, and bytes in two columns.

mod row;
mod statement;
mod transaction;
mod value;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

pub(super) use row::{Column, Row};
pub(super) use statement::{query, rows_of};

/// The errors of the drivers, of any engine.
pub(super) type SqlError = sqlx::Error;

/// A connection to the database.
pub(super) struct Database {
    /// The connection of the engine's driver.
    pub(super) engine: Engine,
    /// The number of transactions and savepoints that have begun.
    depth: usize,
    /// Whether a transaction was dropped before its end, and is to be rolled back.
    is_abandoned: bool,
}

/// A connection of the engine's driver.
pub(super) enum Engine {
    /// A file of SQLite.
    Sqlite(SqliteConnection),
}

impl From<Engine> for Database {
    fn from(engine: Engine) -> Self {
        Self { engine, depth: 0, is_abandoned: false }
    }
}

impl Database {
    /// Closes the connection.
    pub(super) async fn close(self) -> Result<(), SqlError> {
        match self.engine {
            Engine::Sqlite(db) => db.close().await,
        }
    }
}
