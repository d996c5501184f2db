//! Paths, taken apart. Empty segments count for nothing, wherever they stand: clients write them where they leave a
//! version or a scope out.

/// Segments of a path at most; the longest route has thirteen.
const MOST: usize = 24;

/// The segments of a path: as they were given, and in small letters, for words are read without regard to case.
pub(in crate::api) struct Segments<'a> {
    pub(in crate::api) given: Vec<&'a str>,
    lower: Vec<String>,
}

impl<'a> Segments<'a> {
    /// Takes a path apart; `None` where it is longer than any route.
    pub(in crate::api) fn of(path: &'a str) -> Option<Self> {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let given: Vec<&str> = segments.take(MOST + 1).collect();
        let lower = given.iter().map(|segment| segment.to_ascii_lowercase()).collect();
        (given.len() <= MOST).then_some(Self { given, lower })
    }

    /// The segments as words.
    pub(in crate::api) fn words(&self) -> Vec<&str> {
        self.lower.iter().map(String::as_str).collect()
    }
}
