//! The lock of the data directory.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};

use super::store::DATABASE;
use crate::config::Config;
use crate::server::files;
use crate::store::Store;

/// The exclusive lock of a data directory, held while the process uses the directory.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Creates the data directory if it does not exist, and locks it for this process, before anything else in it is changed.
    ///
    /// # Errors
    /// If the directory cannot be created, another process has the lock, or a newer version of the program wrote the database in it.
    pub(crate) fn acquire(config: &Config) -> anyhow::Result<Self> {
        let directory = &*config.data_dir;
        files::make_private_directory(directory)?;
        let path = directory.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                if config.store.url.is_none() {
                    Store::check_schema(&directory.join(DATABASE))?;
                }
                write_process_id(&file).with_context(|| format!("writing {}", path.display()))?;
                Ok(Self { _file: file })
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                let holder = std::fs::read_to_string(&path).unwrap_or_default();
                bail!(
                    "{} is in use by another strongroom, process {}; stop it, or choose another --data-dir",
                    directory.display(),
                    if holder.trim().is_empty() { "(unknown)" } else { holder.trim() }
                )
            }
            Err(std::fs::TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking {}", path.display()))
            }
        }
    }
}

impl DirectoryLock {
    /// Returns the identifier of the process that uses a data directory; `None` if none does.
    ///
    /// # Errors
    /// If the lock cannot be read.
    pub(crate) fn holder(directory: &Path) -> io::Result<Option<i32>> {
        let path = directory.join("lock");
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(std::fs::TryLockError::WouldBlock) => {
                let text = std::fs::read_to_string(&path)?;
                let invalid =
                    |_| io::Error::new(io::ErrorKind::InvalidData, "it contains no process identifier");
                text.trim().parse().map(Some).map_err(invalid)
            }
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Writes the identifier of this process, for commands that signal it.
fn write_process_id(mut file: &File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}
