//! Reads rows one after the other, while another statement is read as well.
//!
//! With a million rows of SQLite, sqlx takes most of the time of a start, because it copies each value and sends each row from one
//! thread to another. So they are read by a synchronous connection, which uses the same library of SQLite.

use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator as _;
use rusqlite::{Connection, OpenFlags};

use super::columns::{Columns, RowRef};
use crate::location::Location;
use crate::model::{Error, Result};

/// A connection for one statement.
pub(super) enum Source {
    Sqlite(Connection),
}

impl Source {
    /// Connects for reading.
    pub(super) async fn connect(location: &Location) -> Result<Self> {
        match location {
            Location::File(path) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Connection::open_with_flags(path, flags).map(Self::Sqlite).map_err(Error::internal)
            }
        }
    }

    /// Prepares a statement without parameters.
    pub(super) fn query(&mut self, sql: &'static str) -> Result<Query<'_>> {
        match self {
            Self::Sqlite(db) => db.prepare(sql).map(Query::Sqlite).map_err(Error::internal),
        }
    }
}

/// A prepared statement.
pub(super) enum Query<'c> {
    Sqlite(rusqlite::Statement<'c>),
}

impl Query<'_> {
    /// Runs the statement.
    pub(super) fn rows(&mut self) -> Result<Rows<'_>> {
        match self {
            Self::Sqlite(statement) => statement.query(()).map(Rows::Sqlite).map_err(Error::internal),
        }
    }
}

/// The rows of a statement, of which one is the current one. Before the first call of [`advance`](Self::advance) there is none.
pub(super) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
}

impl Rows<'_> {
    /// Makes the next row the current one.
    pub(super) fn advance(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(rows) => rows.advance().map_err(Error::internal),
        }
    }

    /// The current row; `None` after the last one.
    pub(super) fn get(&self) -> Option<Columns<'_>> {
        match self {
            Self::Sqlite(rows) => rows.get().map(|row| Columns::of(RowRef::Sqlite(row))),
        }
    }

    /// Advances, and returns the new current row.
    pub(super) fn next(&mut self) -> Result<Option<Columns<'_>>> {
        self.advance()?;
        Ok(self.get())
    }
}
