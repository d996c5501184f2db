//! Sessions with a server of PostgreSQL.
//!
//! The session of an instance holds an advisory lock of its name from its begin to its end, so that the name has one process. A
//! session that replaces a failed one can have the lock only after the failed one has ended at the server: what the failed one was
//! writing is then either written or never will be. All instances share another lock, which a process has alone that changes the
//! schema or copies the database.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::time::timeout;

use crate::database::{Database, Engine, PostgresConnection, SqlError, query};
use crate::instance::InstanceName;
use crate::location::PostgresServer;
use crate::model::{Error, Result};
use crate::snapshot;

/// The key of the advisory lock of all instances: "Strongro" in ASCII. Locks are those of a database, not of the server.
const ALL: i64 = 0x5374_726f_6e67_726f;

/// The key of the advisory lock of an instance that starts.
const START: i64 = ALL + 1;

/// The time to wait for another instance that starts: less than a statement may take (see [`PostgresServer::with_timeout`]).
const START_WAIT: Duration = Duration::from_secs(50);

/// The oldest version of the server: 15.
const OLDEST: i64 = 150_000;

/// The time to wait for the lock: the server may not have noticed yet that the process with the lock has ended.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// The error code of a lock that was not granted in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Whether a statement has failed because another session holds a lock for too long.
pub(crate) fn is_lock_timeout(error: &SqlError) -> bool {
    error.as_database_error().and_then(|cause| cause.code()).is_some_and(|code| code == LOCK_NOT_AVAILABLE)
}

/// What a session is for.
#[derive(Clone, Copy)]
pub(super) enum Session<'a> {
    /// The writes of an instance of the service.
    Instance(&'a InstanceName),
    /// Changes while no instance uses the database.
    Alone,
    /// The start of an instance.
    Start,
    /// Reading.
    Reader,
}

/// Begins a session.
pub(super) async fn open(server: &PostgresServer, session: Session<'_>) -> Result<PostgresConnection> {
    let mut db = connect(server).await?;
    let in_use = |error: SqlError, by: &str| match is_lock_timeout(&error) {
        true => Error::internal(format!("another process uses the database {server}{by}")),
        false => unusable(server, error),
    };
    match session {
        Session::Instance(name) => {
            end_earlier_sessions(server, &mut db).await.map_err(|error| unusable(server, error))?;
            lock(&mut db, "pg_advisory_lock_shared", ALL).await.map_err(|error| in_use(error, " alone"))?;
            let by = format!(" as instance {name}: each instance needs a name of its own, in store.instance");
            lock(&mut db, "pg_advisory_lock", key_of(name)).await.map_err(|error| in_use(error, &by))?;
        }
        Session::Alone => {
            lock(&mut db, "pg_advisory_lock", ALL).await.map_err(|error| in_use(error, ""))?;
        }
        Session::Start => {
            set_lock_timeout(&mut db, START_WAIT).await.map_err(|error| unusable(server, error))?;
            lock(&mut db, "pg_advisory_lock", START)
                .await
                .map_err(|error| in_use(error, ", and is starting"))?;
        }
        Session::Reader => {
            let imported = snapshot::import(&mut db, server.snapshot.as_deref()).await;
            imported.map_err(|error| unusable(server, error))?;
        }
    }
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

/// Sets the parameters that correctness depends on, whatever the configuration of the server says: commits are durable, also on the
/// standbys that the server waits for, idle sessions are not ended, and the server notices within half a minute that the machine of a
/// session is gone. A process that stops in a transaction, whose locks others wait for, loses its session after five seconds.
async fn set_parameters(db: &mut Database) -> Result<(), SqlError> {
    let sql = "-- set_parameters
        SELECT set_config('idle_session_timeout', '0', false), set_config('statement_timeout', '0', false),
            set_config('idle_in_transaction_session_timeout', '5s', false),
            set_config('default_transaction_read_only', 'off', false),
            set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
            set_config('tcp_keepalives_count', '3', false),
            set_config('synchronous_commit', CASE current_setting('synchronous_commit')
                WHEN 'off' THEN 'on' WHEN 'local' THEN 'on' ELSE current_setting('synchronous_commit') END, false),
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

async fn set_lock_timeout(db: &mut Database, timeout: Duration) -> Result<(), SqlError> {
    let sql = "-- set_lock_timeout
        SELECT set_config('lock_timeout', $1, false)";
    query(sql).bind(format!("{}ms", timeout.as_millis())).fetch_one(db).await.map(drop)
}

/// Takes an advisory lock with this function of the server.
async fn lock(db: &mut Database, function: &'static str, key: i64) -> Result<(), SqlError> {
    let sql = format!("-- lock_session\nSELECT {function}($1)");
    query(AssertSqlSafe(sql)).bind(key).fetch_one(db).await.map(drop)
}

/// Takes the lock of an instance until the end of the transaction, if no session has it.
pub(crate) async fn try_lock_instance(db: &mut Database, instance: &InstanceName) -> Result<bool, SqlError> {
    let sql = "-- try_lock_instance
        SELECT pg_try_advisory_xact_lock($1)::int::bigint AS locked";
    Ok(query(sql).bind(key_of(instance)).fetch_one(db).await?.get::<i64>("locked")? != 0)
}

/// Counts the instances that run: they share the lock of all.
pub(crate) async fn count_instances(db: &mut Database) -> Result<usize, SqlError> {
    let sql = "-- count_instances
        SELECT count(*) AS instances FROM pg_locks
        WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted AND objsubid = 1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND classid::bigint = $1 AND objid::bigint = $2";
    let half = i64::from(u32::MAX);
    let row = query(sql).bind(ALL >> 32 & half).bind(ALL & half).fetch_one(db).await?;
    row.get::<i64>("instances").map(|count| usize::try_from(count).unwrap_or(1))
}

/// The key of the lock of an instance.
fn key_of(instance: &InstanceName) -> i64 {
    let digest =
        Sha256::new().chain_update("strongroom instance ").chain_update(instance.as_str()).finalize();
    digest.iter().take(8).fold(0, |key, byte| key << 8 | i64::from(*byte))
}

fn unusable(server: &PostgresServer, error: SqlError) -> Error {
    Error::internal_caused_by(format!("the database {server} cannot be opened"), error)
}
