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
}

/// Returns the built-in list of Azure locations.
///
/// # Errors
/// [`Error::Internal`] if the embedded file is invalid.
pub fn locations() -> Result<Locations> {
    let file: LocationFile = toml::from_str(FILE).map_err(Error::internal)?;
    let location = |(name, display_name)| Location { name, display_name };
    Ok(Locations::new(file.locations.into_iter().map(location).collect()))
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
