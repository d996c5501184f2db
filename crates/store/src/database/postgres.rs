//! The connection to a server of PostgreSQL, with limits of time.

use std::io;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::Connection as _;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgArguments, PgConnection, PgRow, Postgres};
use sqlx::query::Query;
use tokio::time::timeout;

use super::SqlError;

/// The factor by which a row of a result may take longer than a statement that writes: it may be sorted first.
const ROWS: u32 = 6;

/// A connection to a server. A server that hangs must not stop the ledger for ever, so that each statement has a limit of time.
/// After a failure of the connection all statements fail at once, until the connection is replaced.
pub(crate) struct PostgresConnection {
    connection: Option<PgConnection>,
    is_broken: bool,
    limit: Duration,
}

impl PostgresConnection {
    /// A connection whose statements take at most `limit`.
    pub(crate) fn new(connection: PgConnection, limit: Duration) -> Self {
        Self { connection: Some(connection), is_broken: false, limit }
    }

    /// Runs statements within the limit.
    pub(crate) async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        if self.is_broken {
            self.abandon();
        }
        let Some(connection) = &mut self.connection else { return Err(not_connected()) };
        let done = timeout(self.limit, work(connection)).await.unwrap_or_else(|_| Err(timed_out()));
        if done.as_ref().is_err_and(|error| !is_of_statement(error)) {
            self.abandon();
        }
        done
    }

    /// Runs a statement that returns rows.
    pub(crate) fn rows<'e>(
        &'e mut self,
        query: Query<'e, Postgres, PgArguments>,
    ) -> BoxStream<'e, Result<PgRow, SqlError>> {
        let Self { connection, is_broken, limit, .. } = self;
        let limit = *limit * ROWS;
        let Some(connection) = connection.as_mut().filter(|_| !*is_broken) else {
            return stream::once(async { Err(not_connected()) }).boxed();
        };
        let next = move |(mut rows, is_broken): (BoxStream<'e, Result<PgRow, SqlError>>, &'e mut bool)| async move {
            let next = timeout(limit, rows.try_next()).await.unwrap_or_else(|_| Err(timed_out()));
            match next {
                Ok(Some(row)) => Ok(Some((row, (rows, is_broken)))),
                Ok(None) => Ok(None),
                Err(error) => {
                    *is_broken |= !is_of_statement(&error);
                    Err(error)
                }
            }
        };
        stream::try_unfold((query.fetch(connection), is_broken), next).boxed()
    }

    /// Runs migrations, which have no limit of time.
    pub(crate) async fn migrate(&mut self, migrations: &Migrator) -> Result<(), MigrateError> {
        match &mut self.connection {
            Some(connection) => migrations.run(connection).await,
            None => Err(MigrateError::Execute(not_connected())),
        }
    }

    /// Closes the socket without a word, which ends the session at the server.
    pub(crate) fn abandon(&mut self) {
        self.connection = None;
    }

    /// Ends the session.
    pub(crate) async fn close(mut self) -> Result<(), SqlError> {
        match self.connection.take() {
            Some(connection) => {
                timeout(self.limit, connection.close()).await.unwrap_or_else(|_| Err(timed_out()))
            }
            None => Ok(()),
        }
    }
}

/// Whether an error concerns the statement only, which has written nothing, and the connection can be used further.
pub(crate) const fn is_of_statement(error: &SqlError) -> bool {
    matches!(
        error,
        SqlError::Database(_)
            | SqlError::RowNotFound
            | SqlError::Encode(_)
            | SqlError::Decode(_)
            | SqlError::ColumnDecode { .. }
            | SqlError::ColumnNotFound(_)
    )
}

fn not_connected() -> SqlError {
    io::Error::new(io::ErrorKind::NotConnected, "there is no connection to the database server").into()
}

fn timed_out() -> SqlError {
    io::Error::new(io::ErrorKind::TimedOut, "the database server does not answer").into()
}
