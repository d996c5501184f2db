//! Opens a store: creates and migrates the database, compares it with the log of audit records, loads it, and starts the ledger.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::{io, thread};

use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, oneshot};

use super::answers::Answers;
use super::change_notices::ChangeNotices;
use super::commit::Committed;
use super::connection::settle;
use super::database::Database;
use super::faults::Faults;
use super::lease::Lease;
use super::ledger::{GROUP, Ledger, Message};
use super::ledger_metrics::LedgerMetrics;
use super::location::Location;
use super::memory::Memory;
use super::record_log::RecordLog;
use super::unsaved::Unsaved;
use super::usage::Usage;
use super::{
    Inner, Options, Store, ambiguous_commit, audit_records, change_log, check, event_log, high_water_mark,
    instance, load, replay, schema, snapshot,
};
use crate::model::local_rbac::RoleDefinition;
use crate::model::time_guard::GuardState;
use crate::model::{Error, Result, Timestamp};

/// The capacity of the commit queue; when it is full, callers wait.
const QUEUE: usize = 8 * GROUP;

impl Store {
    /// Refuses a database that a newer version of the program wrote, and changes nothing.
    ///
    /// # Errors
    /// `Internal`, with a message for the operator.
    pub fn check_schema(path: &Path) -> Result<()> {
        check::check_schema(path, schema::newest()).map(drop)
    }

    /// Opens the database at `location`, for which a path can be given. A file is created if it does not exist. Compares the
    /// database with the log of audit records: records that only one of the two has after a crash are added to the other. Starts
    /// the ledger, a thread; [`Store::close`] ends it.
    ///
    /// # Errors
    /// `Internal`, with a message for the operator: the database cannot be opened, a newer version of the
    /// program wrote it, it is damaged, the log fails, or the log is not the one of this database.
    pub async fn open(
        location: impl Into<Location>,
        built_in_roles: Vec<RoleDefinition>,
        options: Options,
        log: Box<dyn RecordLog>,
    ) -> Result<Self> {
        let location = location.into().of_one_opening();
        let failed = |error: io::Error| {
            Error::internal_caused_by("the thread of the ledger could not be started", error)
        };
        let (opened, store) = oneshot::channel();
        let runtime = runtime(&location).map_err(failed)?;
        // Callers are answered by a task of their runtime.
        let answers = Answers::new().map_err(Error::internal)?;
        let run = move || {
            runtime.block_on(async move {
                match open(location, built_in_roles, options, log, answers).await {
                    Ok((store, ledger, messages)) => {
                        // If the caller is gone, the store is dropped, which ends the ledger.
                        drop(opened.send(Ok(store)));
                        ledger.run(messages).await;
                    }
                    Err(error) => drop(opened.send(Err(explained(error)))),
                }
            });
        };
        thread::Builder::new().name("ledger".to_owned()).spawn(run).map_err(failed)?;
        store.await.unwrap_or_else(|_| Err(Error::internal("the thread of the ledger has ended")))
    }
}

/// The error, with a message for the operator if the driver has panicked: it does if the text of the schema is damaged.
fn explained(error: Error) -> Error {
    let has_panicked = error.with_causes().to_string().contains("crashed background worker");
    match has_panicked {
        true => Error::internal_caused_by("the database is damaged", error),
        false => error,
    }
}

/// The runtime of the ledger's thread, which drives nothing but the ledger: it blocks while records are written to the log. The
/// store is opened in it, because it drives the connection to the database.
fn runtime(location: &Location) -> io::Result<Runtime> {
    let mut builder = runtime::Builder::new_current_thread();
    // A file needs no sockets, and a thread that does not wait for sockets wakes faster.
    if let Location::Postgres(_) = location {
        builder.enable_io();
    }
    builder.enable_time().build()
}

async fn open(
    location: Location,
    built_in_roles: Vec<RoleDefinition>,
    options: Options,
    mut log: Box<dyn RecordLog>,
    answers: Answers<Result<Committed>>,
) -> Result<(Store, Ledger, mpsc::Receiver<Message>)> {
    let mut digest = check::check_file(&location, schema::newest()).await?;
    let Options { instance, durability, .. } = options.clone();
    let mut db = location.connect(&instance).await?;
    schema::migrate(&location, &mut db).await?;
    if db.is_shared() {
        // Records must not be in the files of the log if the database can still lose them.
        settle(&mut db, &instance).await.map_err(Error::internal)?;
    }
    let mut database = ambiguous_commit::read(&mut db, &instance).await.map_err(Error::internal)?;
    let found = replay::replay(&mut db, &mut *log, (&instance, &database), options.accept_break).await?;

    let memory =
        Arc::new(Memory::new(built_in_roles, options.control_plane_roles.clone(), options.clock.clone()));
    let loaded = load_all(&mut db, &location, &memory, &options, found.newest).await?;
    database.groups = loaded.groups;
    let high_water_mark = loaded.high_water_mark;
    let mut uncounted = match db.is_shared() {
        false => audit_records::counted(&mut db, &instance).await.map_err(Error::internal)?,
        // Copied from a file without such counts.
        true => Usage::default(),
    };
    uncounted.add(found.usage);
    memory.usage().add(uncounted.clone());
    digest.finish().await?;
    let last_entry = match db.is_shared() {
        true => change_log::digest_of(&mut db, database.groups).await.map_err(Error::internal)?,
        false => None,
    };
    instance::add(&mut db, &instance).await.map_err(Error::internal)?;

    let shown_head = Arc::new(Mutex::new(found.head.clone()));
    let faults = Arc::new(Faults::default());
    let is_ambiguous = Arc::new(AtomicBool::new(false));
    let counted = Arc::new(AtomicU64::new(database.head.seq));
    let groups = Arc::new(AtomicU64::new(database.groups));
    let check = check::start_background_check(&location, Arc::clone(&faults))?;
    let (queue, messages) = mpsc::channel(QUEUE);
    let is_shared = db.is_shared();
    let lease = Arc::new(Lease::default());
    let notices = ChangeNotices::listen(&location, &instance);
    let ledger = Ledger {
        db,
        instance: instance.clone(),
        lease: Arc::clone(&lease),
        log,
        memory: Arc::clone(&memory),
        head: found.head,
        shown_head: Arc::clone(&shown_head),
        location,
        database,
        last_entry,
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
        counted: Arc::clone(&counted),
        notices,
        groups: Arc::clone(&groups),
        metrics: LedgerMetrics::new(is_shared),
        probed: Instant::now(),
        answers,
    };
    let store = Store(Arc::new(Inner {
        memory,
        queue,
        durability,
        lease: is_shared.then_some(lease),
        instance,
        faults,
        counted,
        groups,
        head: shown_head,
        chain_break: found.mismatch,
        restored: found.restored,
        is_ambiguous,
        no_grants: Arc::new([]),
        no_control_grants: Arc::new([]),
        no_vault_grants: Arc::new([]),
    }));
    Ok((store, ledger, messages))
}

/// What was loaded into memory.
struct Loaded {
    /// The number of the last group that was loaded.
    groups: u64,
    high_water_mark: Option<GuardState>,
}

/// Loads the database into memory, as it is at one instant. `newest` is the time of the newest audit record that it has not counted.
async fn load_all(
    db: &mut Database,
    location: &Location,
    memory: &Memory,
    options: &Options,
    newest: Option<Timestamp>,
) -> Result<Loaded> {
    if !db.is_shared() {
        return load_from(db, location, memory, options, newest).await;
    }
    // Other instances write meanwhile.
    let mut snapshot = db.begin().await.map_err(Error::internal)?;
    let location = snapshot::begin(&mut snapshot, location).await.map_err(Error::internal)?;
    let loaded = load_from(&mut snapshot, &location, memory, options, newest).await?;
    snapshot.rollback().await.map_err(Error::internal)?;
    Ok(loaded)
}

async fn load_from(
    db: &mut Database,
    location: &Location,
    memory: &Memory,
    options: &Options,
    newest: Option<Timestamp>,
) -> Result<Loaded> {
    let position = ambiguous_commit::read(db, &options.instance).await.map_err(Error::internal)?;
    let high_water_mark = high_water_mark::load(db, &options.instance, newest).await?;
    options.clock.restore(high_water_mark);
    load::load(db, location, memory, &options.instance).await?;
    memory.replace_events(event_log::load(db, options.events_kept).await?);
    memory.foreign().end(position.groups);
    Ok(Loaded { groups: position.groups, high_water_mark })
}
