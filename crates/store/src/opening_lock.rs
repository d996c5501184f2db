//! The lock of the start of an instance: several that start at the same time create what is missing one after the other.

use super::database::Database;
use super::location::Location;
use crate::model::Result;

/// Held while an instance starts. The lock is free when the value is dropped, or its process ends.
pub struct OpeningLock {
    _session: Option<Database>,
}

impl OpeningLock {
    /// Waits, for 50 seconds at most, until no other instance of the database at `location` starts. A file has no other instance.
    ///
    /// # Errors
    /// `Internal`, with a message for the operator: the database cannot be opened, or another instance starts for longer.
    pub async fn acquire(location: &Location) -> Result<Self> {
        let session = match location {
            Location::File(_) => None,
            Location::Postgres(_) => Some(location.connect_to_start().await?),
        };
        Ok(Self { _session: session })
    }
}

impl std::fmt::Debug for OpeningLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpeningLock").finish_non_exhaustive()
    }
}
