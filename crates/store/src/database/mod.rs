//! The database behind all SQL of this crate: a file of SQLite, or a server of PostgreSQL.
//!
//! A statement is written once, with the placeholders `$1`, `$2` and so on, and runs through [`query`]. The functions with
//! statements therefore name no engine. Columns are BIGINT and TEXT, and bytes in two columns.

mod postgres;
mod row;
mod statement;
mod transaction;
mod value;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

pub(super) use postgres::{PostgresConnection, is_of_statement};
pub(super) use row::{Column, Row};
pub(super) use statement::{Statement, query, rows_of};
pub(super) use value::Value;

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
    /// A server of PostgreSQL.
    Postgres(PostgresConnection),
}

impl From<Engine> for Database {
    fn from(engine: Engine) -> Self {
        Self { engine, depth: 0, is_abandoned: false }
    }
}

impl Database {
    /// Whether other instances of the service may use the database.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self.engine, Engine::Postgres(_))
    }

    /// Ends the session with a server, so that another process can take over. Statements fail afterwards.
    pub(super) fn abandon(&mut self) {
        if let Engine::Postgres(db) = &mut self.engine {
            db.abandon();
        }
    }

    /// Closes the connection.
    pub(super) async fn close(self) -> Result<(), SqlError> {
        match self.engine {
            Engine::Sqlite(db) => db.close().await,
            Engine::Postgres(db) => db.close().await,
        }
    }
}
