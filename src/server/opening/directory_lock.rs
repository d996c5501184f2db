//! The lock of the data directory.

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::server::files;

/// The exclusive lock of a data directory, held while the process uses the directory.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Creates the directory if it does not exist, and locks it for this process.
    ///
    /// # Errors
    /// If the directory cannot be created, or another process has the lock.
    pub(crate) fn acquire(directory: &Path) -> anyhow::Result<Self> {
        files::make_private_directory(directory)?;
        let path = directory.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => {
                bail!(
                    "{} is in use by another strongroom; stop it, or choose another --data-dir",
                    directory.display()
                )
            }
            Err(std::fs::TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking {}", path.display()))
            }
        }
    }
}
