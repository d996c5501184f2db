//! The SoftHSM directory: configuration, tokens, and recovery of files that a killed process corrupts.
//!
//! SoftHSM reads the path of its configuration from the environment when it is loaded. A program
//! cannot safely set its own environment, so the user of a [`Directory`] starts the process, or restarts
//! it, with [`Directory::environment`].

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::{Module, Profile, TokenInfo};
use crate::model::{Error, Result};

/// The environment variable with the path of the configuration.
pub(crate) const VARIABLE: &str = "SOFTHSM2_CONF";

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

    /// Restores truncated records and missing lock files, then loads SoftHSM. Call it once, in a process that was
    /// started with [`Self::environment`].
    ///
    /// # Errors
    /// `TokenUnavailable` if SoftHSM is not found; else as [`Module::load`].
    pub fn load(&self, module: Option<&Path>, profile: Profile) -> Result<Module> {
        let found = module.map(Path::to_path_buf).or_else(|| profile.find_module());
        let path = found.ok_or_else(|| Error::TokenUnavailable {
            why: "SoftHSM is not installed (on Debian and Ubuntu: apt install softhsm2)".to_owned(),
        })?;
        for token in self.restore()? {
            tracing::warn!(token, "restored the truncated record of a token from its backup copy");
        }
        let created = self.create_missing_locks()?;
        if created > 0 {
            tracing::warn!(objects = created, "created the missing lock files of token objects");
        }
        Module::load(&path, profile)
    }

    /// Initializes a token with [`Module::provision`], and backs up its record.
    ///
    /// # Errors
    /// As [`Module::provision`]; `Internal` if the copy cannot be written.
    pub fn provision(
        &self,
        module: &Module,
        label: &str,
        so_pin: &SecretString,
        pin: &SecretString,
    ) -> Result<TokenInfo> {
        let token = module.provision(label, so_pin, pin)?;
        self.back_up_records(module)?;
        Ok(token)
    }

    /// Backs up the records of all tokens; call it after a PIN is set or changed. Runs while no token is being
    /// initialized or opened, so that no partially written record is copied.
    ///
    /// # Errors
    /// `Internal` if a copy cannot be written.
    pub(crate) fn back_up_records(&self, module: &Module) -> Result<()> {
        module.with_state_lock(|| self.copy_records())
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

    fn tokens(&self) -> PathBuf {
        self.root.join("tokens")
    }

    fn copies(&self) -> PathBuf {
        self.root.join("copies")
    }
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
