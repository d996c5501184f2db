//! Checks of the database file when the store is opened: its schema, its digest, and its structure.
//!
//! SQLite has no checksums of pages, so a changed byte of a value is no error to it. A clean stop therefore leaves the SHA-256 of the
//! file beside it, which the next start compares and removes. After a crash there is none; then damage is found if it breaks the
//! structure or the format of a value.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, InterruptHandle, OpenFlags, OptionalExtension as _};
use sha2::{Digest as _, Sha256};

use super::connection::unusable;
use super::faults::Faults;
use super::location::Location;
use super::schema;
use crate::model::{Error, Result};

/// The size in bytes up to which the structure is checked before the store opens. Larger databases are checked afterwards, because
/// this takes seconds.
const CHECKED_FIRST: u64 = 32 * 1024 * 1024;

/// The check of the structure that runs while the store is open.
pub(super) struct BackgroundCheck {
    interrupt: InterruptHandle,
    thread: JoinHandle<()>,
}

impl BackgroundCheck {
    /// Ends the check, so that the database can be closed.
    pub(super) fn end(self) {
        self.interrupt.interrupt();
        // A panic of the thread was logged.
        let _ = self.thread.join();
    }
}

/// Returns the schema of the database, and refuses one that this version does not know; changes nothing. `newest` is the newest schema
/// it knows.
pub(super) fn check_schema(path: &Path, newest: i64) -> Result<Option<i64>> {
    if !has_content(path) {
        return Ok(None);
    }
    if let Some(found) = find_damaged_text(path).map_err(|error| unusable(path, error))? {
        return Err(damaged(path, found));
    }
    let found = read_schema(path).map_err(|error| unusable(path, error))?;
    match found {
        Some(found) if found > newest => Err(schema::too_new(path.display(), found, "data directory")),
        found => Ok(found),
    }
}

/// Returns the first text of the schema that is not text, with which SQLite's driver panics, and waits for ever at times.
fn find_damaged_text(path: &Path) -> rusqlite::Result<Option<String>> {
    let db = open_read_only(path)?;
    let sql = "-- schema_texts
        SELECT name, COALESCE(sql, '') FROM sqlite_master";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        for column in 0..2 {
            if let Err(error) = row.get_ref(column)?.as_str() {
                return Ok(Some(format!("a text of the schema is damaged: {error}")));
            }
        }
    }
    Ok(None)
}

fn damaged(path: &Path, found: String) -> Error {
    let what =
        format!("the database {} is damaged; restore the data directory from a backup", path.display());
    Error::internal_caused_by(what, found)
}

fn read_schema(path: &Path) -> rusqlite::Result<Option<i64>> {
    let db = open_read_only(path)?;
    let sql = "-- has_migrations
        SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations'";
    if db.query_row(sql, (), |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    let sql = "-- newest_migration
        SELECT MAX(version) FROM _sqlx_migrations";
    db.query_row(sql, (), |row| row.get(0))
}

/// Opens the database for reading. If it has no write-ahead log, none is created.
fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte))
            }
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?mode=ro");
    if !has_content(&beside(path, "-wal")) {
        uri.push_str("&immutable=1");
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags)
}

/// Checks the file before it is opened, and creates it if it does not exist. Nothing is changed if a check fails.
///
/// # Errors
/// `Internal`, with a message for the operator.
pub(super) async fn check_file(location: &Location, newest: i64) -> Result<DigestCheck> {
    let Location::File(path) = location else { return Ok(DigestCheck { path: None, comparison: None }) };
    let schema = check_schema(path, newest)?;
    let mut digest = DigestCheck::start(path);
    if !is_large(path) {
        digest.compare().await?;
    }
    let checked = path.to_owned();
    let structure = move || check_structure(&checked);
    tokio::task::spawn_blocking(structure).await.map_err(Error::internal)??;
    create(path)?;
    if schema != Some(newest) {
        digest.finish().await?;
    }
    Ok(digest)
}

/// Creates the database file with mode 0600 if it does not exist. SQLite would create it world-readable, and copies the
/// mode to the WAL and shared-memory files.
fn create(path: &Path) -> Result<()> {
    let file = File::options().create(true).append(true).mode(0o600).open(path);
    file.map(drop).map_err(|error| unusable(path, error))
}

/// The comparison of the file with the digest that a clean stop left. It runs while the database is read, which must not be written
/// before its end: with a million keys it takes most of a second.
pub(super) struct DigestCheck {
    /// The file; `None` if the database is on a server.
    path: Option<PathBuf>,
    comparison: Option<tokio::task::JoinHandle<Result<()>>>,
}

impl DigestCheck {
    /// Starts the comparison.
    pub(super) fn start(path: &Path) -> Self {
        let compared = path.to_owned();
        let comparison = tokio::task::spawn_blocking(move || compare_digest(&compared));
        Self { path: Some(path.to_owned()), comparison: Some(comparison) }
    }

    /// Waits for the result.
    pub(super) async fn compare(&mut self) -> Result<()> {
        match self.comparison.take() {
            Some(comparison) => comparison.await.map_err(Error::internal)?,
            None => Ok(()),
        }
    }

    /// Waits for the result, and removes the digest: the database is about to change.
    pub(super) async fn finish(&mut self) -> Result<()> {
        self.compare().await?;
        self.path.as_deref().map_or(Ok(()), Self::remove)
    }

    fn remove(path: &Path) -> Result<()> {
        match fs::remove_file(digest_path(path)) {
            Ok(()) => sync_directory(path).map_err(|error| unusable(path, error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(unusable(path, error)),
        }
    }
}

fn compare_digest(path: &Path) -> Result<()> {
    let failed = |error| unusable(path, error);
    let digest = digest_path(path);
    let expected = match fs::read_to_string(&digest) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if digest_of(path).map_err(failed)? == expected {
        return Ok(());
    }
    Err(Error::internal(format!(
        "the database {} is damaged, or was changed by another program: it is not the one that the last stop left, whose SHA-256 is \
         in {}; restore the data directory from a backup, or delete that file to start with the database as it is",
        path.display(),
        digest.display()
    )))
}

/// Leaves the digest of a closed database. Without one, as when another connection is open, the next start compares nothing.
pub(super) fn leave_digest(location: &Location) -> io::Result<()> {
    let Location::File(path) = location else { return Ok(()) };
    if has_content(&beside(path, "-wal")) {
        return Ok(());
    }
    let digest = digest_path(path);
    let new = beside(&digest, ".new");
    let mut file = File::options().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(digest_of(path)?.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, &digest)?;
    sync_directory(path)
}

/// Returns the digest in the format of `sha256sum`.
fn digest_of(path: &Path) -> io::Result<String> {
    let (mut file, mut hash) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{hex}  {name}\n"))
}

/// Removes the digest of a file that does not exist: it was moved away, and another one is about to be created.
pub(super) fn remove_orphaned_digest(location: &Location) -> Result<()> {
    match location {
        Location::File(path) if !path.exists() => DigestCheck::remove(path),
        Location::File(_) | Location::Postgres(_) => Ok(()),
    }
}

/// Compares the file with the digest of a clean stop, if there is one, and checks the structure, whatever its size. Nothing is changed.
///
/// # Errors
/// `Internal`, with a message for the operator.
pub(super) fn check_all(path: &Path) -> Result<()> {
    compare_digest(path)?;
    check_structure_of_any_size(path)
}

/// Checks the structure of a small database.
pub(super) fn check_structure(path: &Path) -> Result<()> {
    if is_large(path) || !has_content(path) {
        return Ok(());
    }
    check_structure_of_any_size(path)
}

fn check_structure_of_any_size(path: &Path) -> Result<()> {
    let checked =
        open_read_only(path).and_then(|db| find_damage(&db)).map_err(|error| unusable(path, error))?;
    match checked {
        None => Ok(()),
        Some(found) => Err(damaged(path, found)),
    }
}

/// Starts to check the structure of a large database.
pub(super) fn start_background_check(
    location: &Location,
    faults: Arc<Faults>,
) -> Result<Option<BackgroundCheck>> {
    let Location::File(path) = location else { return Ok(None) };
    if !is_large(path) {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(|error| unusable(path, error))?;
    let interrupt = db.get_interrupt_handle();
    let path = path.to_owned();
    let check = move || match find_damage(&db) {
        Ok(None) => tracing::info!("the structure of the database is intact"),
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted) => {}
        Ok(Some(found)) => report_damage(&path, &faults, &found),
        Err(error) => report_damage(&path, &faults, &error),
    };
    let thread = thread::Builder::new().name("database-check".to_owned()).spawn(check);
    let thread = thread.map_err(|error| Error::internal_caused_by("the check of the database", error))?;
    Ok(Some(BackgroundCheck { interrupt, thread }))
}

fn report_damage(path: &Path, faults: &Faults, found: &dyn std::fmt::Display) {
    faults.set_damaged();
    tracing::error!(
        %found,
        database = %path.display(),
        "the database is damaged: stop the service, and restore the data directory from a backup"
    );
}

/// Returns the first damage of the structure.
fn find_damage(db: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "-- check_structure
        PRAGMA integrity_check(1)";
    let found: String = db.query_row(sql, (), |row| row.get(0))?;
    Ok((found != "ok").then_some(found))
}

pub(super) fn is_large(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() > CHECKED_FIRST)
}

fn digest_path(path: &Path) -> PathBuf {
    beside(path, ".sha256")
}

/// The path with something added to the name.
fn beside(path: &Path, added: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(added);
    name.into()
}

fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

fn sync_directory(of: &Path) -> io::Result<()> {
    match of.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
