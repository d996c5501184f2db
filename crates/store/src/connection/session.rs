//! Sessions with a server of PostgreSQL.
//!
//! The session that writes holds an advisory lock of the database from its begin to its end, so that there is one writer. A session
//! that replaces a failed one can have the lock only after the failed one has ended at the server: what the failed one was writing
//! is then either written or never will be.

use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::time::timeout;

use crate::database::{Database, Engine, PostgresConnection, SqlError, query};
use crate::location::PostgresServer;
use crate::model::{Error, Result};

/// The key of the advisory lock of the writer: "Strongro" in ASCII. Locks are those of a database, not of the server.
const WRITER: i64 = 0x5374_726f_6e67_726f;

/// The oldest version of the server: 15.
const OLDEST: i64 = 150_000;

/// The time to wait for the lock: the server may not have noticed yet that the process with the lock has ended.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// The error code of a lock that was not granted in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Begins the session that writes.
pub(super) async fn open(server: &PostgresServer) -> Result<PostgresConnection> {
    let mut db = connect(server).await?;
    let locked = match end_earlier_sessions(server, &mut db).await {
        Ok(()) => lock(&mut db).await,
        Err(error) => Err(error),
    };
    locked.map_err(|error| match error.as_database_error().and_then(|cause| cause.code()) {
        Some(code) if code == LOCK_NOT_AVAILABLE => Error::internal(format!(
            "another process uses the database {server}: only one can use it at a time"
        )),
        _ => unusable(server, error),
    })?;
    finish(db)
}

/// Begins a session that only reads.
pub(super) async fn open_to_read(server: &PostgresServer) -> Result<PostgresConnection> {
    finish(connect(server).await?)
}

fn finish(db: Database) -> Result<PostgresConnection> {
    match db.engine {
        Engine::Postgres(db) => Ok(db),
        Engine::Sqlite(_) => Err(Error::internal("a session with a server is not one of a file")),
    }
}

async fn connect(server: &PostgresServer) -> Result<Database> {
    let connecting = PgConnection::connect_with(&server.options);
    let connected = timeout(server.timeout, connecting).await.unwrap_or_else(|_| {
        let silent = std::io::Error::new(std::io::ErrorKind::TimedOut, "the database server does not answer");
        Err(silent.into())
    });
    let connection = connected.map_err(|error| unusable(server, error))?;
    let mut db = Database::from(Engine::Postgres(PostgresConnection::new(connection, server.timeout)));
    check(server, &mut db).await?;
    set_parameters(&mut db).await.map_err(|error| unusable(server, error))?;
    Ok(db)
}

/// Refuses a server that cannot have the database.
async fn check(server: &PostgresServer, db: &mut Database) -> Result<()> {
    let sql = "-- check_server
        SELECT current_setting('server_version_num')::bigint AS version, current_setting('server_version') AS name,
            current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
            pg_is_in_recovery()::int::bigint AS standby";
    let failed = |error| unusable(server, error);
    let row = query(sql).fetch_one(db).await.map_err(failed)?;
    let refused = |why: String| Err(Error::internal(format!("the database {server} cannot be used: {why}")));
    if row.get::<i64>("version").map_err(failed)? < OLDEST {
        let name = row.get::<&str>("name").map_err(failed)?;
        return refused(format!("the server has version {name}, and at least version 15 is required"));
    }
    let encoding = row.get::<&str>("encoding").map_err(failed)?;
    if encoding != "UTF8" {
        return refused(format!("its encoding is {encoding}, and UTF8 is required"));
    }
    if row.get::<i64>("standby").map_err(failed)? != 0 {
        return refused("the server is a standby, which cannot be written".to_owned());
    }
    if row.get::<&str>("fsync").map_err(failed)? == "off" {
        tracing::warn!(database = %server, "the database server runs with fsync = off: a crash of its machine loses data");
    }
    Ok(())
}

/// Sets the parameters that correctness depends on, whatever the configuration of the server says: commits are durable, idle
/// sessions are not ended, and the server notices within half a minute that the machine of a session is gone.
async fn set_parameters(db: &mut Database) -> Result<(), SqlError> {
    let sql = "-- set_parameters
        SELECT set_config('idle_session_timeout', '0', false), set_config('statement_timeout', '0', false),
            set_config('idle_in_transaction_session_timeout', '60s', false),
            set_config('default_transaction_read_only', 'off', false),
            set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
            set_config('tcp_keepalives_count', '3', false),
            set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
            set_config('lock_timeout', $1, false)";
    query(sql).bind(format!("{}ms", LOCK_WAIT.as_millis())).fetch_one(db).await.map(drop)
}

/// Ends the sessions that this opening of the store has lost, of which the server may not know yet.
async fn end_earlier_sessions(server: &PostgresServer, db: &mut Database) -> Result<(), SqlError> {
    let Some(name) = server.options.get_application_name() else { return Ok(()) };
    let sql = "-- end_earlier_sessions
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = $1 AND datname = current_database() AND usename = current_user
            AND pid <> pg_backend_pid()";
    query(sql).bind(name).fetch_all(db).await.map(drop)
}

async fn lock(db: &mut Database) -> Result<(), SqlError> {
    let sql = "-- lock_writer
        SELECT pg_advisory_lock($1)";
    query(sql).bind(WRITER).fetch_one(db).await.map(drop)
}

fn unusable(server: &PostgresServer, error: SqlError) -> Error {
    Error::internal_caused_by(format!("the database {server} cannot be opened"), error)
}
