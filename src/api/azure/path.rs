//! Splits paths into segments. Empty segments are ignored: clients write them for an omitted version or scope.

/// The most segments of a path; the longest route has thirteen.
const MAX_SEGMENTS: usize = 24;

/// The segments of a path, as given and in lower case, since routes are case-insensitive.
pub(in crate::api) struct Segments<'a> {
    pub(in crate::api) given: Vec<&'a str>,
    lower: Vec<String>,
}

impl<'a> Segments<'a> {
    /// Splits a path; `None` if it is longer than any route.
    pub(in crate::api) fn of(path: &'a str) -> Option<Self> {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let given: Vec<&str> = segments.take(MAX_SEGMENTS + 1).collect();
        let lower = given.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        (given.len() <= MAX_SEGMENTS).then_some(Self { given, lower })
    }

    /// Returns the segments in lower case.
    pub(in crate::api) fn lowercase(&self) -> Vec<&str> {
        self.lower.iter().map(String::as_str).collect()
    }
}
