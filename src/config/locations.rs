//! The locations there are.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::location::{Location, Locations};
use crate::model::{Error, Result};

const FILE: &str = include_str!("../../hsm-config/locations.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    locations: BTreeMap<String, String>,
}

/// The locations there are.
///
/// # Errors
/// `Internal` where the file compiled into the program is damaged.
pub fn locations() -> Result<Locations> {
    let listed: Listed = toml::from_str(FILE).map_err(Error::internal)?;
    let location = |(name, display_name)| Location { name, display_name };
    Ok(Locations::new(listed.locations.into_iter().map(location).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_display_names_without_blanks() {
        let locations = locations().unwrap();
        for location in locations.all() {
            assert_eq!(locations.find(&location.display_name).unwrap(), location);
        }
        assert!(locations.find("localhost").is_ok() && locations.find("East US 2").is_ok());
    }
}
