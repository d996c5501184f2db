//! Where the database of a store is.

use std::path::{Path, PathBuf};

/// Where the database of a store is.
#[derive(Clone, Debug)]
pub enum Location {
    /// A file of SQLite, which is created if it does not exist.
    File(PathBuf),
}

impl From<PathBuf> for Location {
    fn from(file: PathBuf) -> Self {
        Self::File(file)
    }
}

impl From<&PathBuf> for Location {
    fn from(file: &PathBuf) -> Self {
        Self::File(file.clone())
    }
}

impl From<&Path> for Location {
    fn from(file: &Path) -> Self {
        Self::File(file.to_owned())
    }
}
