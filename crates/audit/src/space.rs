//! Free disk space for audit files.

use std::io;
use std::path::Path;

/// Returns the number of free bytes in the file system of `directory` that are available to this process.
///
/// # Errors
/// Errors of the file system.
pub fn free_bytes(directory: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(directory)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
