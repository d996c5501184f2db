//! File descriptors: connections must leave some for the database, the audit log and the token.

use rustix::process::{Resource, getrlimit};

/// Descriptors that connections leave.
const LEFT: u64 = 256;

/// How many connections the process may have, of those that are configured. The limit is not raised: a PKCS#11 module
/// that calls `select` breaks at descriptors above 1023, so raising it is for those who know theirs.
pub(super) fn connections(configured: usize) -> usize {
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

/// How many connections so many descriptors allow: half of them where that is more than what is left otherwise.
fn possible(descriptors: u64) -> usize {
    let connections = descriptors.saturating_sub(LEFT).max(descriptors / 2).max(1);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_left_for_files() {
        assert_eq!([0, 64, 256, 1024, 20_000].map(possible), [1, 32, 128, 768, 19_744]);
    }
}
