//! Generates identifiers: key versions, intents, role assignments and definitions, correlation ids.

use uuid::Uuid;

use crate::model::name::VersionId;

/// Generates identifiers from the operating system's random number generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ids;

#[expect(clippy::disallowed_methods, reason = "the only place that generates random identifiers")]
impl Ids {
    /// Returns a key version: 16 random bytes, not a UUID (key versions recorded from Azure have no UUID version bits).
    pub fn version(self) -> VersionId {
        let (high, low) = (Uuid::new_v4().as_u128(), Uuid::new_v4().as_u128());
        // XOR with a rotated second UUID: its random bits cover the six fixed bits of the first.
        VersionId::from_bytes((high ^ low.rotate_left(32)).to_be_bytes())
    }

    /// Returns a random GUID (version 4) for role assignments, role definitions and correlation ids.
    pub fn guid(self) -> Uuid {
        Uuid::new_v4()
    }

    /// Returns a GUID that sorts by creation time (version 7), for intents.
    pub fn ordered(self) -> Uuid {
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn key_versions_are_unique_and_fully_random() {
        let versions: Vec<u128> =
            (0..1000).map(|_| u128::from_str_radix(&Ids.version().to_string(), 16).unwrap()).collect();
        assert_eq!(versions.iter().collect::<BTreeSet<_>>().len(), versions.len());
        // 150 from the mean of 500 is nine standard deviations: a bit in this range is not fixed.
        for bit in 0..128 {
            let set = versions.iter().filter(|version| *version >> bit & 1 == 1).count();
            assert!((350..=650).contains(&set), "bit {bit} is set in {set} of 1000");
        }
    }

    #[test]
    fn guids_are_unique_and_ordered_guids_sort_by_time() {
        assert_ne!(Ids.guid(), Ids.guid());
        assert_eq!(Ids.guid().get_version_num(), 4);
        let ordered: Vec<_> = (0..1000).map(|_| Ids.ordered()).collect();
        assert!(ordered.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
