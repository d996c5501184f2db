//! Locations: the regions of resources.

use super::{Error, Field, Result};

/// A location.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// Its name, for example `westeurope`.
    pub name: String,
    /// The display name, for example `West Europe`.
    pub display_name: String,
    /// The geography it belongs to, for example `Europe`.
    pub geography: String,
}

/// The configured locations.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Locations(Vec<Location>);

impl Locations {
    /// Creates a list of locations, sorted by name.
    pub fn new(mut locations: Vec<Location>) -> Self {
        locations.sort_by(|a, b| a.name.cmp(&b.name));
        Self(locations)
    }

    /// Returns all locations, sorted by name.
    pub fn all(&self) -> &[Location] {
        &self.0
    }

    /// Finds a location by name, ignoring case and spaces: `West Europe` is `westeurope`.
    ///
    /// # Errors
    /// `Invalid` if there is no location of this name.
    pub fn find(&self, text: &str) -> Result<&Location> {
        let name: String = text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect();
        self.0.iter().find(|location| location.name == name).ok_or_else(|| {
            let text = super::error::shorten(text);
            Error::invalid(Field::Location, format!("{text:?} is not a location; see the list of locations"))
        })
    }
}

/// Normalizes a location for comparison: `East US` and `eastus` are equal.
pub fn normalize(location: &str) -> String {
    location.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_locations_ignoring_case_and_spaces() {
        let location = |name: &str, shown: &str| {
            let (name, display_name) = (name.to_owned(), shown.to_owned());
            Location { name, display_name, geography: "Somewhere".to_owned() }
        };
        let locations =
            Locations::new(vec![location("westeurope", "West Europe"), location("eastus", "East US")]);
        for text in ["westeurope", "West Europe", "WESTEUROPE", "west europe"] {
            assert_eq!(locations.find(text).unwrap().display_name, "West Europe", "{text}");
        }
        let error = locations.find("atlantis").unwrap_err().to_string();
        assert!(error.contains("\"atlantis\" is not a location"), "{error}");
        assert!(locations.find("").is_err());
    }
}
