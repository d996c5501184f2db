//! The log of changes, from which the instances of a shared database compute the same state.
//!
//! An entry has the changes of the commits of a group that were accepted, and what follows from the time and the instance of the group:
//! its lifecycle events and the usage that it writes. Other instances apply the changes to their memory as the one that has written them
//! did. Entries have the numbers of their groups, without gaps, and become visible in this order, because a group locks the number.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::change_set::ChangeSet;
use super::commit::{Commit, Rules};
use super::database::{Database, SqlError, query};
use super::instance::InstanceName;
use super::memory::Memory;
use super::transaction::Transaction;
use super::unsaved::Unsaved;
use super::usage::Usage;
use crate::model::change::Change;
use crate::model::event::LifecycleEvent;
use crate::model::{Error, Result};

/// The format of the entries that this version writes, and the newest that it applies.
///
/// A version that gives entries a meaning which its predecessor would not see, such as a new field of a key that matters to a decision,
/// increases it, so that instances of the predecessor refuse the entries instead of ignoring the field. They refuse a kind of change that
/// they do not know in any case.
const FORMAT: u32 = 1;

/// The number of entries that are kept. An instance that is further behind reads the whole database: it starts again.
const KEPT: u64 = 100_000;

/// The number of groups after which old entries are removed.
const TRIM_INTERVAL: u64 = 1_000;

/// The changes of a group.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    #[serde(default)]
    format: u32,
    commits: Vec<LoggedCommit>,
    events: Vec<Arc<LifecycleEvent>>,
    usage: String,
    /// Whether another instance has written the entry, because the instance of the entry seemed not to run.
    #[serde(default)]
    is_takeover: bool,
}

/// The changes of a commit.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoggedCommit {
    changes: Vec<Change>,
    rules: Rules,
}

/// Identifies an entry by its instance and its text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct EntryDigest([u8; 32]);

impl EntryDigest {
    fn of(instance: &str, entry: &str) -> Self {
        // A name has no line feed.
        Self(Sha256::new().chain_update(instance).chain_update("\n").chain_update(entry).finalize().into())
    }
}

/// What the entries of other instances are applied to.
pub(super) struct Follower<'a> {
    pub(super) memory: &'a Memory,
    /// The usage that is not written yet.
    pub(super) unsaved: &'a mut Unsaved,
    /// The last entry that is applied or written.
    pub(super) last_entry: &'a mut Option<EntryDigest>,
}

impl Entry {
    /// The entry by which another instance takes over from the one of the entry.
    pub(super) fn of_takeover() -> Self {
        Self { is_takeover: true, ..Self::default() }
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// Another version of the service wrote it, and this one cannot apply it.
    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let entry: Self = serde_json::from_str(text)?;
        if entry.format > FORMAT {
            let format = entry.format;
            let why =
                format!("an entry has format {format}, and this version supports formats up to {FORMAT}");
            return Err(serde::de::Error::custom(why));
        }
        Ok(entry)
    }

    /// Adds the changes of an accepted commit. Its intents are those of its instance.
    pub(super) fn add(&mut self, commit: &Commit) {
        // Each instance guards its own clock.
        let changes = commit.changes.iter().filter(|change| !matches!(change, Change::ReleaseClock));
        let changes: Vec<Change> = changes.cloned().collect();
        if !changes.is_empty() {
            self.commits.push(LoggedCommit { changes, rules: commit.rules });
        }
    }

    /// Writes the entry of a group, in its transaction. `written` are the amounts of usage that the group writes. Returns its digest.
    pub(super) async fn write(
        mut self,
        db: &mut Database,
        (number, instance): (u64, &InstanceName),
        events: &[Arc<LifecycleEvent>],
        written: [&Usage; 2],
    ) -> Result<EntryDigest, SqlError> {
        let mut usage = Usage::default();
        written.into_iter().for_each(|one| usage.add(one.clone()));
        self.usage = usage.to_json().map_err(|error| SqlError::Encode(Box::new(error)))?;
        self.events = events.to_vec();
        self.format = FORMAT;
        let entry = serde_json::to_string(&self).map_err(|error| SqlError::Encode(Box::new(error)))?;
        let sql = "-- write_change_log
            INSERT INTO change_log (number, instance, entry) VALUES ($1, $2, $3)
            RETURNING pg_notify('strongroom_changes', $2)";
        let digest = EntryDigest::of(instance.as_str(), &entry);
        query(sql).bind(signed(number)).bind(instance.as_str()).bind(entry).execute(&mut *db).await?;
        if number % TRIM_INTERVAL == 0 {
            let sql = "-- trim_change_log
                DELETE FROM change_log WHERE number <= $1";
            query(sql).bind(signed(number.saturating_sub(KEPT))).execute(db).await?;
        }
        Ok(digest)
    }

    /// Applies the entry of another instance to memory.
    fn apply(self, number: u64, memory: &Memory) -> Result<()> {
        let mut group = ChangeSet::default();
        for commit in &self.commits {
            let mut transaction = Transaction::new(memory, &group).under(commit.rules);
            for change in &commit.changes {
                transaction.apply(change)?;
            }
            let changes = transaction.into_changes();
            group.absorb(changes);
        }
        group.events = self.events;
        let mut usage = Usage::default();
        usage.add_json(&self.usage)?;
        memory.usage().add(usage);
        memory.apply_foreign(group, number);
        Ok(())
    }
}

/// Locks the number of groups until the end of the transaction, and returns it. All entries up to it are visible then.
pub(super) async fn lock(db: &mut Database) -> Result<u64, SqlError> {
    let sql = "-- lock_written_groups
        SELECT number FROM written_groups WHERE id = 1 FOR UPDATE";
    query(sql).fetch_one(db).await?.get::<i64>("number").map(i64::unsigned_abs)
}

/// Whether this instance has written the entry of this number. Another one writes an entry of its name when it takes over from it.
pub(super) async fn has(db: &mut Database, number: u64, instance: &InstanceName) -> Result<bool, SqlError> {
    let sql = "-- has_change_log
        SELECT entry FROM change_log WHERE number = $1 AND instance = $2";
    let found = query(sql).bind(signed(number)).bind(instance.as_str()).fetch_optional(db).await?;
    let Some(found) = found else { return Ok(false) };
    let entry = Entry::parse(found.get("entry")?).map_err(|error| SqlError::Decode(Box::new(error)))?;
    Ok(!entry.is_takeover)
}

/// The digest of the entry of this number, if it is kept.
pub(super) async fn digest_of(db: &mut Database, number: u64) -> Result<Option<EntryDigest>, SqlError> {
    let sql = "-- read_entry
        SELECT instance, entry FROM change_log WHERE number = $1";
    match query(sql).bind(signed(number)).fetch_optional(db).await? {
        Some(found) => Ok(Some(EntryDigest::of(found.get("instance")?, found.get("entry")?))),
        None => Ok(None),
    }
}

/// Checks, after a connection was replaced, that the last entry that this instance knows, of the number `known`, is still the same. It
/// is another one if the server was replaced by a standby that lacked changes, and other instances have written since.
///
/// # Errors
/// [`FollowError::Lost`], and errors of the database.
pub(super) async fn check_unchanged(
    db: &mut Database,
    known: u64,
    last_entry: Option<EntryDigest>,
) -> Result<(), FollowError> {
    match (last_entry, digest_of(db, known).await?) {
        (Some(last), Some(found)) if last != found => Err(FollowError::Lost(known)),
        _ => Ok(()),
    }
}

/// Why the changes of other instances cannot be applied.
#[derive(Debug)]
pub(super) enum FollowError {
    /// The database cannot be read.
    Database(SqlError),
    /// The entry after this number is missing, or of this instance.
    Gap(u64),
    /// The entry of this number is not the one that this instance has applied.
    Lost(u64),
    /// Another version of the service has written an entry.
    Unknown(serde_json::Error),
    /// An entry cannot be applied to the state in memory.
    Refused(Error),
}

impl fmt::Display for FollowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(_) => f.write_str("the log of changes cannot be read"),
            Self::Gap(last) => {
                write!(
                    f,
                    "the log of changes does not continue after entry {last}: start this instance again"
                )
            }
            Self::Lost(last) => {
                write!(
                    f,
                    "entry {last} of the log of changes is not the one that this instance knows, because the database has lost \
                     changes: stop all instances, and start them again"
                )
            }
            Self::Unknown(_) => {
                f.write_str("another version of the service wrote the log of changes: update this instance")
            }
            Self::Refused(_) => {
                f.write_str("the log of changes does not match the state of this instance: start it again")
            }
        }
    }
}

impl std::error::Error for FollowError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Gap(_) | Self::Lost(_) => None,
            Self::Unknown(error) => Some(error),
            Self::Refused(error) => Some(error),
        }
    }
}

impl From<SqlError> for FollowError {
    fn from(error: SqlError) -> Self {
        Self::Database(error)
    }
}

/// Applies the entries of other instances after the number `known` to memory, and advances it to the last one. By an entry that has
/// taken over from this instance, the usage of all its records so far is counted: none of it is `unsaved` any more.
pub(super) async fn follow(
    db: &mut Database,
    known: &mut u64,
    instance: &InstanceName,
    Follower { memory, unsaved, last_entry }: Follower<'_>,
) -> Result<(), FollowError> {
    // One statement, which sees one instant.
    let sql = "-- read_change_log
        SELECT w.number AS newest, c.number, c.instance, c.entry
        FROM written_groups w LEFT JOIN change_log c ON c.number > $1 WHERE w.id = 1 ORDER BY c.number";
    let mut newest = 0;
    for row in query(sql).bind(signed(*known)).fetch_all(db).await? {
        newest = row.get::<i64>("newest")?.unsigned_abs();
        let Some(number) = row.get::<Option<i64>>("number")?.map(i64::unsigned_abs) else { break };
        let text = row.get::<&str>("entry")?;
        let entry = Entry::parse(text).map_err(FollowError::Unknown)?;
        let writer = row.get::<&str>("instance")?;
        let is_own = writer == instance.as_str();
        if number != *known + 1 || (is_own && !entry.is_takeover) {
            return Err(FollowError::Gap(*known));
        }
        if is_own {
            // At once: a later entry may fail, and this one is not read again.
            unsaved.clear();
            memory.foreign().end(number);
        } else {
            entry.apply(number, memory).map_err(FollowError::Refused)?;
        }
        *last_entry = Some(EntryDigest::of(writer, text));
        *known = number;
    }
    if newest == *known { Ok(()) } else { Err(FollowError::Gap(*known)) }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
