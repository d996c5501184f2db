//! Reads a full backup, and restores its keys.
//!
//! A version has the same identifier in the token and in the backup, and its material never changes. So a version that the
//! HSM has already is not unwrapped; the others are, under an intent that undoes it if the job does not succeed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::StreamExt as _;

use super::contents::known_versions;
use super::write::contents;
use super::{OBJECT, storage_error};
use crate::backup::KeyRecord;
use crate::backup::archive::{ArchiveError, ArchiveReader, Record};
use crate::model::change::{Intent, IntentVerb};
use crate::model::hsm_contents::HsmContents;
use crate::model::key::{Key, PublicMaterial};
use crate::model::name::{KeyName, VersionId};
use crate::model::setting::Settings;
use crate::model::{Error, Result};
use crate::ops::security_domain::DomainKeys;
use crate::ops::{BackupTask, Cx, Progress};
use crate::storage::{Address, ByteStream, Location};

/// How many versions one intent covers.
const INTENT_VERSIONS: usize = 256;

/// Reads the records of a backup.
struct BackupReader {
    reader: ArchiveReader,
    stream: ByteStream,
}

impl BackupReader {
    async fn open(task: &BackupTask, cx: &Cx) -> Result<Self> {
        let address = Address::parse(&task.uri, &task.folder, &cx.storage).map_err(storage_error)?;
        let location = Location::open(&address, &task.credential, &cx.storage).map_err(storage_error)?;
        let domain = DomainKeys::addressed(cx)?;
        let key = domain.full_backup_key().await?;
        let reader = ArchiveReader::new(domain.domain().id, key);
        Ok(Self { reader, stream: location.read(OBJECT).await.map_err(storage_error)? })
    }

    /// Returns the next records; `None` after the end, which is checked.
    async fn next(&mut self) -> Result<Option<Vec<Record>>> {
        match self.stream.next().await {
            Some(bytes) => self.reader.read(&bytes.map_err(storage_error)?).map(Some).map_err(malformed),
            None => self.reader.finish().map(|_| None).map_err(malformed),
        }
    }
}

fn malformed(error: ArchiveError) -> Error {
    match error {
        ArchiveError::Library => Error::internal(error),
        error => Error::MalformedBackup { why: error.to_string() },
    }
}

/// Checks that the backup can be restored: it is complete, authentic, and of this security domain.
pub(super) async fn check(task: &BackupTask, cx: &Cx) -> Result<()> {
    let container = cx.container.id();
    let mut backup = BackupReader::open(task, cx).await?;
    while let Some(records) = backup.next().await? {
        for record in records {
            if let Record::Key(key) = record {
                key.to_key(&container).map_err(invalid)?;
            }
        }
    }
    Ok(())
}

fn invalid(error: crate::backup::InvalidRecord) -> Error {
    Error::MalformedBackup { why: format!("the backup contains an invalid key: {error}") }
}

/// The restored contents, and the versions of the HSM that are not among them.
pub(super) struct Restored {
    pub(super) contents: HsmContents,
    pub(super) surplus: Vec<VersionId>,
}

/// Unwraps what the token lacks, and returns the contents of the backup.
pub(super) async fn restore(task: &BackupTask, cx: &Cx) -> Result<Restored> {
    let before = contents(cx)?;
    let mut keys = Unwrapping::new(&before, task, cx)?;
    let (mut definitions, mut assignments) = (Vec::new(), Vec::new());
    let mut settings = Settings::default();
    let mut backup = BackupReader::open(task, cx).await?;
    while let Some(records) = backup.next().await? {
        for record in records {
            match record {
                Record::Key(key) => keys.add(*key).await?,
                Record::RoleDefinition(definition) => definitions.push(Arc::new(definition)),
                Record::RoleAssignment(assignment) => assignments.push(Arc::new(assignment)),
                Record::Settings(stored) => settings = stored,
                Record::Header(_) | Record::End(_) => {}
            }
        }
    }
    let keys = keys.finish().await?;
    let kept: HashSet<_> =
        keys.iter().flat_map(|key| key.versions.iter().map(|version| version.version)).collect();
    // The store refuses changes of the contents while the job runs, so these are still all versions.
    let known = known_versions(&before.keys);
    let surplus = known.into_keys().filter(|version| !kept.contains(version)).collect();
    let hsm = cx.managed_hsm()?.name.clone();
    Ok(Restored { contents: HsmContents { hsm, keys, definitions, assignments, settings }, surplus })
}

/// Unwraps one key of the backup. Returns it, or `None` if its name is in use; and the number of its versions.
pub(super) async fn restore_key(
    task: &BackupTask,
    name: &KeyName,
    cx: &Cx,
) -> Result<(Option<Arc<Key>>, usize)> {
    let mut found = None;
    let mut backup = BackupReader::open(task, cx).await?;
    while let Some(records) = backup.next().await? {
        let keys = records.into_iter().filter_map(|record| match record {
            Record::Key(key) if key.name() == name => Some(key),
            _ => None,
        });
        found = keys.last().or(found);
    }
    let missing = || Error::BackupStorage { why: format!("the backup does not contain the key {name}") };
    let record = found.ok_or_else(missing)?;
    let versions = record.version_ids().len();
    if cx.store.key(&cx.container.id(), name).is_some() {
        return Ok((None, versions));
    }
    let mut keys = Unwrapping::new(&contents(cx)?, task, cx)?;
    keys.add(*record).await?;
    let key = keys.finish().await?.into_iter().next();
    // A key that was deleted when it was backed up is restored as a live one.
    let live = |key: Arc<Key>| Arc::new(Key { deletion: None, ..key.as_ref().clone() });
    Ok((key.map(live), versions))
}

/// Unwraps keys in groups, each under an intent.
struct Unwrapping<'a> {
    cx: &'a Cx,
    progress: &'a Progress,
    wrapping_key: VersionId,
    /// The versions that the HSM has.
    known: HashMap<VersionId, PublicMaterial>,
    /// The versions of the backup.
    seen: HashSet<VersionId>,
    waiting: Vec<KeyRecord>,
    keys: Vec<Arc<Key>>,
}

impl<'a> Unwrapping<'a> {
    fn new(before: &HsmContents, task: &'a BackupTask, cx: &'a Cx) -> Result<Self> {
        Ok(Self {
            cx,
            progress: &task.progress,
            wrapping_key: DomainKeys::addressed(cx)?.wrapping_key(),
            known: known_versions(&before.keys),
            seen: HashSet::new(),
            waiting: Vec::new(),
            keys: Vec::new(),
        })
    }

    async fn add(&mut self, record: KeyRecord) -> Result<()> {
        self.keys.push(Arc::new(record.to_key(&self.cx.container.id()).map_err(invalid)?));
        for (version, public, _) in record.material() {
            if !self.seen.insert(version) || self.known.get(&version).is_some_and(|known| known != public) {
                return Err(Error::MalformedBackup {
                    why: format!("the backup contains another version {version}"),
                });
            }
        }
        self.waiting.push(record);
        let versions: usize = self.waiting.iter().map(|record| record.version_ids().len()).sum();
        if versions < INTENT_VERSIONS { Ok(()) } else { self.unwrap().await }
    }

    async fn finish(mut self) -> Result<Vec<Arc<Key>>> {
        self.unwrap().await?;
        Ok(self.keys)
    }

    /// Unwraps the waiting keys.
    async fn unwrap(&mut self) -> Result<()> {
        let records = std::mem::take(&mut self.waiting);
        let token = self.cx.token()?;
        let missing: Vec<_> = records
            .iter()
            .flat_map(KeyRecord::material)
            .filter(|(version, ..)| !(self.known.contains_key(version) && token.has_cached_handle(*version)))
            .collect();
        let objects: Vec<_> = missing.iter().map(|(version, ..)| *version).collect();
        if objects.is_empty() {
            self.progress.advance(records.len());
            return Ok(());
        }
        // The objects of another HSM in the same token, or of a purge that is not complete.
        let intents = self.cx.store.intents();
        let is_affected = |intent: &Intent| intent.objects.iter().any(|object| objects.contains(object));
        if objects.iter().any(|object| token.has_cached_handle(*object)) || intents.iter().any(is_affected) {
            return Err(Error::Conflict { what: "an object in the token".to_owned() });
        }
        self.cx.declare_intent(IntentVerb::Restore, objects).await?;
        for (version, public, wrapped) in missing {
            let (public, wrapped) = (public.clone(), wrapped.clone());
            token.unwrap_key(self.wrapping_key, version, public, wrapped, self.cx.backup).await?;
        }
        self.progress.advance(records.len());
        Ok(())
    }
}
