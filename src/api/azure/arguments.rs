//! The parts of a path that the pattern of its route names.

#[cfg(test)]
use std::fmt;

/// The parts of a path that a pattern names, as the client wrote them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(in crate::api) struct Arguments<'a>(pub(super) Vec<(&'static str, &'a str)>);

impl<'a> Arguments<'a> {
    /// Returns a named part of the path; `None` if it is absent.
    pub(in crate::api) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

#[cfg(test)]
impl fmt::Display for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        f.write_str(&parts.join(" "))
    }
}
