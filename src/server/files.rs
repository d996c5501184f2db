//! Atomic reads and writes of small files that contain secrets.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::model::{Error, Result};

/// The mode of files that only the owner may read.
pub const PRIVATE: u32 = 0o600;
/// The mode of files that all users may read.
pub const PUBLIC: u32 = 0o644;

/// Writes a file atomically: readers see either the old or the new content, also after a crash. Writes a temporary file
/// in the same directory, syncs it, and renames it.
///
/// Only one process at a time may write a given path.
pub fn write(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        return Err(Error::internal(format!("{} does not name a file", path.display())));
    };
    let fresh = directory.join(format!(".{name}.new"));
    let written = || -> std::io::Result<()> {
        // A file left by a crash may have other permissions.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        // The umask of the process may have cleared bits.
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        File::open(directory)?.sync_all()
    };
    written().map_err(|error| Error::internal_caused_by(format!("writing {}", path.display()), error))
}

/// Reads a file; returns `None` if it does not exist. The bytes are zeroized on drop.
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::internal_caused_by(format!("reading {}", path.display()), error)),
    }
}

/// Reads a text file; returns `None` if it does not exist. The text is zeroized on drop.
pub(crate) fn read_text(path: &Path) -> Result<Option<Zeroizing<String>>> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Some(Zeroizing::new(text.to_owned()))),
        Err(_) => Err(Error::internal(format!("{} is not UTF-8", path.display()))),
    }
}

/// Creates a directory and its parents with mode 0700. Does nothing if it exists.
pub fn make_private_directory(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Error::internal_caused_by(format!("creating {}", path.display()), error))
}
