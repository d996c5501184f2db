//! Instants in memory as the database has them.

use crate::model::Timestamp;

/// An instant in microseconds since 1970, UTC: half as large as a [`Timestamp`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Micros(i64);

impl From<Timestamp> for Micros {
    fn from(instant: Timestamp) -> Self {
        Self(instant.as_microsecond())
    }
}

impl From<Micros> for Timestamp {
    fn from(Micros(instant): Micros) -> Self {
        // The microseconds of an instant are in range.
        Self::from_microsecond(instant).unwrap_or_default()
    }
}
