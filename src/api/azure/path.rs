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

    /// Returns the scope of a path that contains `providers/Microsoft.Authorization`, and the segments after it. `find`
    /// chooses one of several: a scope may contain such a pair, too.
    pub(in crate::api) fn at_scope(
        &self,
        path: &'a str,
        find: fn(&[String]) -> Option<usize>,
    ) -> Option<(&'a str, &[&'a str])> {
        let index = find(&self.lower)?;
        Some((before(path, index), self.given.get(index + 2..)?))
    }

    /// Returns the segments in lower case.
    pub(in crate::api) fn lowercase(&self) -> Vec<&str> {
        self.lower.iter().map(String::as_str).collect()
    }
}

/// Whether segments in lower case begin with the provider of roles.
fn is_authorization(pair: &[String]) -> bool {
    matches!(pair, [providers, name] if providers == "providers" && name == "microsoft.authorization")
}

/// The index of the first `providers/Microsoft.Authorization`.
pub(in crate::api) fn first_authorization(lower: &[String]) -> Option<usize> {
    lower.windows(2).position(is_authorization)
}

/// The index of the last `providers/Microsoft.Authorization`.
pub(in crate::api) fn last_authorization(lower: &[String]) -> Option<usize> {
    lower.windows(2).rposition(is_authorization)
}

/// Returns the part of a path before the segment at `index`, without a trailing slash.
fn before(path: &str, index: usize) -> &str {
    let mut segment = 0;
    let mut previous = '/';
    for (position, letter) in path.char_indices() {
        if previous == '/' && letter != '/' {
            if segment == index {
                return path[..position].trim_end_matches('/');
            }
            segment += 1;
        }
        previous = letter;
    }
    path
}
