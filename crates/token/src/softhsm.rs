//! The SoftHSM directory: configuration, tokens, and recovery of files that a killed process corrupts.
//!
//! SoftHSM reads the path of its configuration from the environment when it is loaded. A program
//! cannot safely set its own environment, so the user of a [`Directory`] starts the process, or restarts
//! it, with [`Directory::environment`].

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::model::{Error, Result};

/// The environment variable with the path of the configuration.
pub(crate) const VARIABLE: &str = "SOFTHSM2_CONF";

/// The configuration of the system, as Debian and Fedora install it.
const SYSTEM_CONFIGURATION: &str = "/etc/softhsm/softhsm2.conf";

/// SoftHSM's file with the label, serial number and PINs of a token. Rewritten in place at each login, so
/// that a process killed during the write leaves it empty and the token uninitialized.
const TOKEN_RECORD: &str = "token.object";

/// A complete record has a few hundred bytes; shorter ones are truncated.
const SHORTEST_RECORD: u64 = 64;

/// A directory with SoftHSM's configuration, its tokens, and backup copies of their records.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Creates the directory if it does not exist, with mode 0700, and writes its configuration.
    ///
    /// # Errors
    /// `Unsupported` if SoftHSM's configuration cannot express the path; `Internal`
    /// if the directory cannot be written.
    pub fn prepare(root: &Path) -> Result<Self> {
        if root.to_str().is_none_or(|path| path.contains(['#', '=', '\n', '\r'])) {
            return Err(Error::Unsupported {
                what: format!(
                    "directory: SoftHSM cannot use {}: its configuration does not allow '#', '=' or line breaks in a path",
                    root.display()
                ),
            });
        }
        let prepare = || -> io::Result<Self> {
            private_directory(root)?;
            let root = root.canonicalize()?;
            let directory = Self { root };
            private_directory(&directory.tokens())?;
            private_directory(&directory.copies())?;
            write_atomically(&directory.configuration(), directory.settings().as_bytes())?;
            Ok(directory)
        };
        prepare().map_err(|error| failed(root, error))
    }

    /// The environment variable and value that a process needs at its start to use this directory.
    pub fn environment(&self) -> (&'static str, PathBuf) {
        (VARIABLE, self.configuration())
    }

    /// Restores truncated records and missing lock files. Call it while no process loads SoftHSM or changes the directory.
    ///
    /// # Errors
    /// `Internal` if the directory cannot be read or written.
    pub(crate) fn repair(&self) -> Result<()> {
        for token in self.restore()? {
            tracing::warn!(token, "restored the truncated record of a token from its backup copy");
        }
        let created = self.create_missing_locks()?;
        if created > 0 {
            tracing::warn!(objects = created, "created the missing lock files of token objects");
        }
        Ok(())
    }

    /// Backs up the records of all tokens. Call it after a PIN is set or changed, while no token is being initialized or opened, so
    /// that no partially written record is copied.
    ///
    /// # Errors
    /// `Internal` if a copy cannot be written.
    pub(crate) fn back_up_records(&self) -> Result<()> {
        self.copy_records()
    }

    /// The file that worker processes lock as long as they live.
    pub(crate) fn worker_lock(&self) -> PathBuf {
        self.root.join("workers.lock")
    }

    /// Waits until the worker processes of an earlier service have ended: each completes its call, and then notices that the
    /// service is gone.
    ///
    /// # Errors
    /// `TokenUnavailable` if they do not end in time.
    pub fn wait_for_workers(&self, patience: Duration) -> Result<()> {
        let path = self.worker_lock();
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.map_err(|error| failed(&path, error))?;
        let deadline = Instant::now() + patience;
        while rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
            if Instant::now() > deadline {
                return Err(Error::TokenUnavailable {
                    why: "worker processes of an earlier service still use it".to_owned(),
                });
            }
            #[expect(clippy::disallowed_methods, reason = "processes end in real time")]
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The directory itself, with the configuration.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn copy_records(&self) -> Result<()> {
        self.each_token(|_, record, copy| {
            let bytes = fs::read(record)?;
            if bytes.len() as u64 >= SHORTEST_RECORD {
                write_atomically(copy, &bytes)?;
            }
            Ok(())
        })
    }

    /// Restores truncated records from their copies. Only before the module is loaded.
    fn restore(&self) -> Result<Vec<String>> {
        let mut restored = Vec::new();
        self.each_token(|name, record, copy| {
            let length = match fs::metadata(record) {
                Ok(metadata) => metadata.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(error) => return Err(error),
            };
            if length < SHORTEST_RECORD && copy.exists() {
                write_atomically(record, &fs::read(copy)?)?;
                restored.push(name.to_owned());
            }
            Ok(())
        })?;
        Ok(restored)
    }

    /// Creates the lock file of each object without one; a process killed while it creates an object leaves such
    /// objects. `SoftHSM` cannot reinitialize a token with such an object, because it removes both files.
    fn create_missing_locks(&self) -> Result<usize> {
        let mut created = 0;
        self.each_token(|_, record, _| {
            let Some(directory) = record.parent() else { return Ok(()) };
            for entry in fs::read_dir(directory)? {
                let object = entry?.path();
                let lock = object.with_extension("lock");
                if object.extension().is_some_and(|kind| kind == "object") && !lock.exists() {
                    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock)?;
                    created += 1;
                }
            }
            Ok(())
        })?;
        Ok(created)
    }

    /// Calls `act` for each token, with its directory name, the path of its record, and that of the copy.
    fn each_token(&self, mut act: impl FnMut(&str, &Path, &Path) -> io::Result<()>) -> Result<()> {
        let mut walk = || -> io::Result<()> {
            for entry in fs::read_dir(self.tokens())? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if entry.file_type()?.is_dir() {
                    let copy = self.copies().join(format!("{name}.{TOKEN_RECORD}"));
                    act(&name, &entry.path().join(TOKEN_RECORD), &copy)?;
                }
            }
            Ok(())
        };
        walk().map_err(|error| failed(&self.root, error))
    }

    fn settings(&self) -> String {
        format!(
            "# Written by strongroom at each start.\n\
             directories.tokendir = {}\n\
             objectstore.backend = file\n\
             log.level = ERROR\n\
             slots.removable = false\n\
             library.reset_on_fork = true\n",
            self.tokens().display()
        )
    }

    fn configuration(&self) -> PathBuf {
        self.root.join("softhsm2.conf")
    }

    /// The directory of the tokens, to which SoftHSM writes.
    pub fn tokens(&self) -> PathBuf {
        self.root.join("tokens")
    }

    fn copies(&self) -> PathBuf {
        self.root.join("copies")
    }
}

/// The configuration file that SoftHSM reads in this environment, if it exists: that of the variable, else that of the system.
pub fn configuration_file() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a variable of SoftHSM, not a setting of Strongroom")]
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    Some(named.unwrap_or_else(|| PathBuf::from(SYSTEM_CONFIGURATION))).filter(|path| path.exists())
}

/// The directory of the tokens in that configuration.
pub fn configured_tokens() -> Option<PathBuf> {
    let text = fs::read_to_string(configuration_file()?).ok()?;
    let setting = text.lines().filter_map(|line| line.split_once('='));
    let (_, value) = setting.into_iter().find(|(name, _)| name.trim() == "directories.tokendir")?;
    Some(PathBuf::from(value.trim()))
}

fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Writes a file atomically: to a temporary file that is then renamed.
fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::internal_caused_by(format!("the SoftHSM directory {}", path.display()), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restores_truncated_token_records() {
        let home = tempfile::tempdir().unwrap();
        let directory = Directory::prepare(home.path()).unwrap();
        let token = directory.tokens().join("0b1f");
        fs::create_dir(&token).unwrap();
        let record = token.join(TOKEN_RECORD);

        fs::write(&record, [7; 300]).unwrap();
        directory.copy_records().unwrap();
        fs::write(&record, [8; 310]).unwrap();
        assert!(directory.restore().unwrap().is_empty());
        assert_eq!(fs::read(&record).unwrap(), [8; 310]);

        fs::write(&record, [8; 8]).unwrap();
        // A truncated record must not replace the copy.
        directory.copy_records().unwrap();
        assert_eq!(directory.restore().unwrap(), ["0b1f"]);
        assert_eq!(fs::read(&record).unwrap(), [7; 300]);
    }

    #[test]
    fn directory_is_accessible_to_its_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("softhsm");
        let directory = Directory::prepare(&root).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&root), 0o700);
        assert_eq!(mode(&directory.tokens()), 0o700);
        assert_eq!(mode(&directory.environment().1), 0o600);
    }
}
