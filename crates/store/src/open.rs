//! Opens a store: creates and migrates the database, loads it, and exports remaining audit records.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::SqliteConnection;
use tokio::sync::mpsc;

use super::connection::{connect, unusable};
use super::export::{Export, Exporter};
use super::ledger::{GROUP, Ledger};
use super::memory::Memory;
use super::resume::{self, Mismatch};
use super::{Inner, Options, Store, ambiguous_commit, event_log, high_water_mark, load};
use crate::model::local_rbac::RoleDefinition;
use crate::model::{Error, Result};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The capacity of the commit queue; when it is full, callers wait.
const QUEUE: usize = 8 * GROUP;

impl Store {
    /// Opens the database at `path`, creating it if it does not exist, and exports the records that were
    /// not exported before a crash. Starts the ledger on the current runtime; [`Store::close`] ends it.
    ///
    /// # Errors
    /// `Internal`, with a message for the operator: the file cannot be opened, a newer version of the
    /// program wrote it, it is damaged, the export fails, or the exported log has more records.
    pub async fn open(
        path: &Path,
        built_in_roles: Vec<RoleDefinition>,
        options: Options,
        export: Export,
    ) -> Result<Self> {
        create(path)?;
        let mut db = connect(path).await?;
        migrate(&mut db).await?;
        let memory =
            Arc::new(Memory::new(built_in_roles, options.control_plane_roles, options.clock.clone()));
        let high_water_mark = high_water_mark::load(&mut db).await?;
        options.clock.restore(high_water_mark);
        load::load(&mut db, &memory).await?;
        memory.replace_events(event_log::load(&mut db, options.events_kept).await?);

        let position = ambiguous_commit::read(&mut db).await.map_err(Error::internal)?;
        let head = &position.head;
        if options.exported > head.seq {
            return Err(Error::internal(format!(
                "the audit log ends with record {}, the database with record {}: the database is not the one \
                 that wrote this log, or is an older copy of it; move the log away to start a new one",
                options.exported, head.seq
            )));
        }
        let (mut exported, mut chain_break) = (options.exported, None);
        if let Some(link) = &options.exported_chain {
            let compared = resume::compare(&mut db, head, (exported, link)).await;
            if let Some(Mismatch { why, after }) = compared.map_err(Error::internal)? {
                if !options.accept_break {
                    return Err(Error::internal(why));
                }
                (exported, chain_break) = (after, Some(why));
            }
        }
        let resumed = (options.exported_chain.is_some() && exported < head.seq)
            .then(|| (exported.saturating_add(1), head.seq));
        let shown_head = Arc::new(Mutex::new(head.clone()));
        let mut exporter = Exporter::new(export, exported);
        exporter.catch_up(&mut db).await?;

        let failing = Arc::new(AtomicBool::new(false));
        let is_ambiguous = Arc::new(AtomicBool::new(false));
        let (queue, messages) = mpsc::channel(QUEUE);
        let ledger = Ledger {
            db,
            memory: Arc::clone(&memory),
            source: ambiguous_commit::DatabasePath(path.to_owned()),
            position,
            shown_head: Arc::clone(&shown_head),
            exporter,
            failing: Arc::clone(&failing),
            is_ambiguous: Arc::clone(&is_ambiguous),
            ambiguous: None,
            carried: Vec::new(),
            high_water_mark,
            trimmed: 0,
        };
        tokio::spawn(ledger.run(messages));
        let durability = options.durability;
        Ok(Self(Arc::new(Inner {
            memory,
            queue,
            durability,
            failing,
            head: shown_head,
            chain_break,
            resumed,
            is_ambiguous,
            no_grants: Arc::new([]),
            no_control_grants: Arc::new([]),
            no_vault_grants: Arc::new([]),
        })))
    }
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
