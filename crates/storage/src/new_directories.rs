//! Removes the directories that an upload without an object created.

use std::path::{Path, PathBuf};

/// The directories of a location that do not exist before an upload to it.
pub(crate) struct NewDirectories(Vec<PathBuf>);

impl NewDirectories {
    /// Returns those of `root` and the segments of a folder below it. The root itself exists.
    pub(crate) fn of(root: &Path, folder: &object_store::path::Path) -> Self {
        let mut directory = root.to_owned();
        let mut missing = Vec::new();
        for segment in folder.parts() {
            directory.push(segment.as_ref());
            if !directory.exists() {
                missing.push(directory.clone());
            }
        }
        missing.reverse();
        Self(missing)
    }

    /// For a location that has no directories.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Removes them, except for those that are not empty, because another upload uses them.
    pub(crate) fn remove(&self) {
        let _ = self.0.iter().try_for_each(std::fs::remove_dir);
    }
}
