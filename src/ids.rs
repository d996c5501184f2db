//! Identifiers made by the service: key versions, intents, assignments, correlation ids.

use uuid::Uuid;

use crate::model::name::VersionId;

/// Makes identifiers from the operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ids;

#[expect(clippy::disallowed_methods, reason = "the one place that makes random identifiers")]
impl Ids {
    /// A key version: 16 random bytes, not a UUID (recorded: the service's versions carry no UUID version bits).
    pub fn version(self) -> VersionId {
        let (high, low) = (Uuid::new_v4().as_u128(), Uuid::new_v4().as_u128());
        // The six bits of a UUID that are not random are covered by the other's.
        VersionId::from_bytes((high ^ low.rotate_left(32)).to_be_bytes())
    }

    /// A random GUID, for assignments, definitions and correlation ids.
    pub fn guid(self) -> Uuid {
        Uuid::new_v4()
    }

    /// A GUID that sorts by the time it was made, for intents.
    pub fn ordered(self) -> Uuid {
        Uuid::now_v7()
    }
}
