//! How much space is left where records are written.

use std::io;
use std::path::Path;

/// The bytes that the file system of `directory` has left for this process.
///
/// # Errors
/// Those of the file system.
pub fn free_bytes(directory: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(directory)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}
