//! A directory with a database and an audit log, opened as the server does; the files of the log fail on demand.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use strongroom::engine::AuditFiles;
use strongroom::model::Error;
use strongroom::model::event::DEFAULT_RETAINED;
use strongroom::model::local_rbac::LocalScope;
use strongroom::store::{Durability, Options, RecordBatch, RecordLog, Store};

use super::{Change, assignment, call, hsm, put_containers, role};

/// How the files of the log fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Nothing can be written.
    Full,
    /// The flush fails after everything is written.
    NotFlushed,
    /// The flush fails after everything is written, and the file cannot be truncated.
    NotRemoved,
}

/// A directory with a database and an audit log.
pub(crate) struct StoreFixture {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) durability: Durability,
    pub(crate) events_kept: usize,
    pub(crate) fault: Arc<Mutex<Option<Fault>>>,
}

impl StoreFixture {
    pub(crate) fn new() -> Self {
        // In memory if there is a file system for it, because some tests open hundreds of copies.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self { dir, durability: Durability::Request, events_kept: DEFAULT_RETAINED, fault: Arc::default() }
    }

    /// Lets the files of the log fail, or work again.
    pub(crate) fn fail(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap() = fault.into();
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join("strongroom.db")
    }

    pub(crate) fn audit_directory(&self) -> PathBuf {
        self.dir.path().join("audit")
    }

    pub(crate) async fn try_open(&self) -> Result<Store, Error> {
        let directory = self.audit_directory();
        let files = AuditFiles::open(&directory, u64::MAX).unwrap();
        let log = FailingFiles { directory, files, torn: None, fault: Arc::clone(&self.fault) };
        let options =
            Options { durability: self.durability, events_kept: self.events_kept, ..Options::default() };
        let roles = vec![role(100, true), role(101, true)];
        Store::open(&self.database(), roles, options, Box::new(log)).await
    }

    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    /// Opens the store and creates an HSM.
    pub(crate) async fn open_with_hsm(&self) -> Store {
        let store = self.open().await;
        let admin = assignment(1, 100, LocalScope::Hsm);
        let changes = [put_containers(), vec![Change::InsertHsm(hsm(), vec![admin])]].concat();
        store.commit(call(changes, 0)).await.unwrap();
        store
    }

    /// What a crash leaves at this moment, while nothing is written.
    pub(crate) fn crashed(&self) -> Self {
        let copy = Self { durability: self.durability, events_kept: self.events_kept, ..Self::new() };
        copy_directory(self.dir.path(), copy.dir.path());
        copy
    }

    /// The files of the log.
    pub(crate) fn audit_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(self.audit_directory()).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        files
    }

    pub(crate) fn audit_lines(&self) -> Vec<String> {
        let text: String = self.audit_files().iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        text.lines().map(str::to_owned).collect()
    }
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_directory(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// The files of the log, which fail on demand.
struct FailingFiles {
    directory: PathBuf,
    files: AuditFiles,
    /// The file that a failed append has written to, and its length before.
    torn: Option<(PathBuf, u64)>,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl RecordLog for FailingFiles {
    fn last(&self) -> (u64, String) {
        self.files.last()
    }

    fn read_after(&mut self, after: u64, visit: &mut dyn FnMut(&str)) -> io::Result<()> {
        self.files.read_after(after, visit)
    }

    fn append(&mut self, batch: &RecordBatch) -> io::Result<()> {
        assert!(self.torn.is_none(), "a failed append was not removed");
        let Some(fault) = *self.fault.lock().unwrap() else { return self.files.append(batch) };
        if fault == Fault::Full {
            return Err(io::Error::other("the disk is full"));
        }
        let newest = fs::read_dir(&self.directory)?.map(|file| file.unwrap().path()).max();
        self.torn = newest.map(|path| (path.clone(), fs::metadata(path).unwrap().len()));
        self.files.append(batch)?;
        Err(io::Error::other("the flush failed"))
    }

    fn discard_failed(&mut self) -> io::Result<()> {
        let Some((path, len)) = &self.torn else { return self.files.discard_failed() };
        if *self.fault.lock().unwrap() == Some(Fault::NotRemoved) {
            return Err(io::Error::other("the file cannot be truncated"));
        }
        fs::File::options().write(true).open(path)?.set_len(*len)?;
        self.files = AuditFiles::open(&self.directory, u64::MAX)?;
        self.torn = None;
        Ok(())
    }

    fn probe(&mut self) -> io::Result<()> {
        match *self.fault.lock().unwrap() {
            Some(_) => Err(io::Error::other("the disk is full")),
            None => self.files.probe(),
        }
    }
}
