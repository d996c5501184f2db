//! Locations: the regions in which resources can be.

use super::{Error, Result};

/// A location.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// Its name, for example `westeurope`.
    pub name: String,
    /// The name people read, for example `West Europe`.
    pub display_name: String,
}

/// The locations there are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Locations(Vec<Location>);

impl Locations {
    /// These locations, by name.
    pub fn new(mut locations: Vec<Location>) -> Self {
        locations.sort_by(|a, b| a.name.cmp(&b.name));
        Self(locations)
    }

    /// All of them, by name.
    pub fn all(&self) -> &[Location] {
        &self.0
    }

    /// The location that is meant. Case and blanks do not matter: `West Europe` is `westeurope`.
    ///
    /// # Errors
    /// `Invalid` where there is none of this name.
    pub fn find(&self, text: &str) -> Result<&Location> {
        let folded: String = text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_lowercase()).collect();
        self.0.iter().find(|location| location.name == folded).ok_or_else(|| {
            let text = super::error::shorten(text);
            Error::invalid(
                "location",
                format!("{text:?} is not a location; the list of locations tells which there are"),
            )
        })
    }
}

/// A location as two of them are compared: `East US` and `eastus` are the same.
pub fn plain(location: &str) -> String {
    location.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_found_by_either_name_in_any_case() {
        let location =
            |name: &str, shown: &str| Location { name: name.to_owned(), display_name: shown.to_owned() };
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
