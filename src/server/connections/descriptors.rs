//! Limits connections by the available file descriptors, some of which the database, the audit log and the token need.

use std::fs::File;
use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// The descriptors that connections may not use.
const RESERVED: u64 = 256;

/// Returns how many connections the process may have, at most `configured`. The limit of open files is not raised
/// automatically: a PKCS#11 module that calls `select` fails with descriptors above 1023.
pub(super) fn connection_limit(configured: usize) -> usize {
    let Some(descriptors) = getrlimit(Resource::Nofile).current else { return configured };
    let possible = possible(descriptors);
    if possible < configured {
        tracing::warn!(
            descriptors,
            configured,
            "the limit of open files (ulimit -n) allows {possible} connections, fewer than server.max_connections"
        );
    }
    possible.min(configured)
}

/// Whether the process can open a file.
pub(in crate::server) fn descriptors_left() -> bool {
    File::open("/dev/null").map_or_else(|error| !is_exhausted(&error), |_| true)
}

/// Whether an error says that the process, or the system, has no descriptor left.
pub(super) fn is_exhausted(error: &io::Error) -> bool {
    let exhausted = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| exhausted.contains(&code))
}

/// Returns how many connections a number of descriptors allows: all but the reserved ones, but at least half.
fn possible(descriptors: u64) -> usize {
    let connections = descriptors.saturating_sub(RESERVED).max(descriptors / 2).max(1);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserves_descriptors_for_files() {
        assert_eq!([0, 64, 256, 1024, 20_000].map(possible), [1, 32, 128, 768, 19_744]);
    }
}
