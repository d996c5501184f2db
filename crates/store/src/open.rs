//! Opens a store: creates and migrates the database, compares it with the log of audit records, loads it, and starts the ledger.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::thread;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnection;
use tokio::runtime;
use tokio::sync::mpsc;

use super::answers::Answers;
use super::check::DigestCheck;
use super::connection::{connect, unusable};
use super::faults::Faults;
use super::ledger::{GROUP, Ledger, Message};
use super::ledger_metrics::LedgerMetrics;
use super::memory::Memory;
use super::record_log::RecordLog;
use super::unsaved::Unsaved;
use super::{
    Inner, Options, Store, ambiguous_commit, check, event_log, high_water_mark, load, outbox, replay,
};
use crate::model::local_rbac::RoleDefinition;
use crate::model::{Error, Result};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The capacity of the commit queue; when it is full, callers wait.
const QUEUE: usize = 8 * GROUP;

impl Store {
    /// Refuses a database that a newer version of the program wrote, and changes nothing.
    ///
    /// # Errors
    /// `Internal`, with a message for the operator.
    pub fn check_schema(path: &Path) -> Result<()> {
        check::check_schema(path, newest_schema()).map(drop)
    }

    /// Opens the database at `path`, creating it if it does not exist, and compares it with the log of audit records: records
    /// that only one of the two has after a crash are added to the other. Starts the ledger, a thread; [`Store::close`] ends
    /// it.
    ///
    /// # Errors
    /// `Internal`, with a message for the operator: the file cannot be opened, a newer version of the
    /// program wrote it, it is damaged, the log fails, or the log is not the one of this database.
    pub async fn open(
        path: &Path,
        built_in_roles: Vec<RoleDefinition>,
        options: Options,
        mut log: Box<dyn RecordLog>,
    ) -> Result<Self> {
        let schema = check::check_schema(path, newest_schema())?;
        let mut digest = DigestCheck::start(path);
        if !check::is_large(path) {
            digest.compare().await?;
        }
        let checked = path.to_owned();
        let structure = move || check::check_structure(&checked);
        tokio::task::spawn_blocking(structure).await.map_err(Error::internal)??;
        create(path)?;
        let mut db = connect(path).await?;
        if schema != Some(newest_schema()) {
            digest.finish().await?;
        }
        migrate(&mut db).await?;
        let database = ambiguous_commit::read(&mut db).await.map_err(Error::internal)?;
        let found = replay::replay(&mut db, &mut *log, &database, options.accept_break).await?;

        let memory =
            Arc::new(Memory::new(built_in_roles, options.control_plane_roles, options.clock.clone()));
        let high_water_mark = high_water_mark::load(&mut db, found.newest).await?;
        options.clock.restore(high_water_mark);
        load::load(&mut db, path, &memory).await?;
        memory.replace_events(event_log::load(&mut db, options.events_kept).await?);
        let mut uncounted = outbox::counted(&mut db).await.map_err(Error::internal)?;
        uncounted.add(found.usage);
        memory.usage().add(uncounted.clone());
        digest.finish().await?;

        let shown_head = Arc::new(Mutex::new(found.head.clone()));
        let faults = Arc::new(Faults::default());
        let is_ambiguous = Arc::new(AtomicBool::new(false));
        let counted = Arc::new(AtomicU64::new(database.head.seq));
        let check = check::start_background_check(path, Arc::clone(&faults))?;
        let (queue, messages) = mpsc::channel(QUEUE);
        let calls = Arc::default();
        let ledger = Ledger {
            db,
            log,
            memory: Arc::clone(&memory),
            head: found.head,
            shown_head: Arc::clone(&shown_head),
            source: ambiguous_commit::DatabasePath(path.to_owned()),
            database,
            unsaved: Unsaved::new(uncounted),
            missing: None,
            append_failed: false,
            faults: Arc::clone(&faults),
            is_ambiguous: Arc::clone(&is_ambiguous),
            ambiguous: None,
            check,
            carried: Vec::new(),
            high_water_mark,
            last_group: 0,
            calls: Arc::clone(&calls),
            counted: Arc::clone(&counted),
            metrics: LedgerMetrics::new(),
            answers: Answers::new().map_err(Error::internal)?,
        };
        start(ledger, messages)?;
        let durability = options.durability;
        Ok(Self(Arc::new(Inner {
            memory,
            queue,
            durability,
            faults,
            counted,
            head: shown_head,
            chain_break: found.mismatch,
            restored: found.restored,
            calls,
            is_ambiguous,
            no_grants: Arc::new([]),
            no_control_grants: Arc::new([]),
            no_vault_grants: Arc::new([]),
        })))
    }
}

/// Starts the thread of the ledger. It has a runtime of its own, which drives nothing but the ledger: it blocks while records are
/// written to the log.
fn start(ledger: Ledger, messages: mpsc::Receiver<Message>) -> Result<()> {
    let failed = |error| Error::internal_caused_by("the thread of the ledger could not be started", error);
    let run = move || match runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime.block_on(ledger.run(messages)),
        // The queue is closed, so that commits fail.
        Err(error) => tracing::error!(%error, "the ledger could not be started"),
    };
    thread::Builder::new().name("ledger".to_owned()).spawn(run).map(drop).map_err(failed)
}

/// The newest schema that this version knows.
fn newest_schema() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Creates the database file with mode 0600 if it does not exist. SQLite would create it world-readable, and copies the
/// mode to the WAL and shared-memory files.
fn create(path: &Path) -> Result<()> {
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    file.map(drop).map_err(|error| unusable(path, error))
}

async fn migrate(db: &mut SqliteConnection) -> Result<()> {
    MIGRATIONS.run(db).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => Error::internal(format!(
            "the database has schema {version}, which this version of Strongroom does not support; a newer version wrote it"
        )),
        other => Error::internal_caused_by("the database's schema could not be migrated", other),
    })
}
