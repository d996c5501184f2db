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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn versions_differ_and_every_bit_is_random() {
        let versions: Vec<u128> =
            (0..1000).map(|_| u128::from_str_radix(&Ids.version().to_string(), 16).unwrap()).collect();
        assert_eq!(versions.iter().collect::<BTreeSet<_>>().len(), versions.len());
        // A bit that is set in 350 to 650 of 1000 is not fixed: that is nine standard deviations.
        for bit in 0..128 {
            let set = versions.iter().filter(|version| *version >> bit & 1 == 1).count();
            assert!((350..=650).contains(&set), "bit {bit} is set in {set} of 1000");
        }
    }

    #[test]
    fn guids_differ_and_ordered_ones_sort_by_age() {
        assert_ne!(Ids.guid(), Ids.guid());
        assert_eq!(Ids.guid().get_version_num(), 4);
        let ordered: Vec<_> = (0..1000).map(|_| Ids.ordered()).collect();
        assert!(ordered.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
