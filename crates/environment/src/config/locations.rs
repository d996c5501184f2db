//! The built-in list of Azure locations.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::location::{Location, Locations};
use crate::model::{Error, Result};

const FILE: &str = include_str!("../../../../hsm-config/locations.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LocationFile {
    locations: BTreeMap<String, String>,
    /// The locations of each geography.
    geographies: BTreeMap<String, Vec<String>>,
}

/// Returns the built-in list of Azure locations.
///
/// # Errors
/// [`Error::Internal`] if the embedded file is invalid.
pub fn locations() -> Result<Locations> {
    let file: LocationFile = toml::from_str(FILE).map_err(Error::internal)?;
    let geography = |name: &String| {
        let found = file.geographies.iter().find(|(_, locations)| locations.contains(name));
        found.map(|(geography, _)| geography.clone())
    };
    let location = |(name, display_name)| match geography(&name) {
        Some(geography) => Ok(Location { name, display_name, geography }),
        None => Err(Error::internal(format!("location {name} has no geography"))),
    };
    Ok(Locations::new(file.locations.into_iter().map(location).collect::<Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_locations_by_name_and_display_name() {
        let locations = locations().unwrap();
        for location in locations.all() {
            assert_eq!(locations.find(&location.display_name).unwrap(), location);
        }
        assert!(locations.find("localhost").is_ok() && locations.find("East US 2").is_ok());
    }
}
