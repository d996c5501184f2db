//! Temporary directories in memory, for tests that do not need a disk.

use tempfile::TempDir;

/// Where Linux has a memory file system that every user may write to.
const MEMORY: &str = "/dev/shm";
/// The free space that the memory file system must have; containers often limit it to 64 MiB.
const NEEDED: u64 = 512 * 1024 * 1024;

/// Creates a temporary directory: in memory if there is space, else where temporary files are on this system.
///
/// A server waits for the disk several times per call, and SoftHSM writes files about sixty times per key. A process that
/// is killed loses nothing in memory either; a test that wants the flushes of a real disk uses [`tempfile::tempdir`].
pub(crate) fn in_memory() -> TempDir {
    let free = rustix::fs::statvfs(MEMORY).map_or(0, |memory| memory.f_bavail * memory.f_frsize);
    if free >= NEEDED
        && let Ok(directory) = tempfile::tempdir_in(MEMORY)
    {
        return directory;
    }
    tempfile::tempdir().unwrap()
}
