//! Splits paths into segments. Empty segments are ignored: clients write them for an omitted version or scope.

use std::borrow::Cow;

/// The most segments of a path; the longest route has thirteen.
const MAX_SEGMENTS: usize = 24;

/// Decodes the percent-encoded unreserved characters of a path: letters, digits, `-`, `.`, `_` and `~` (RFC 3986, section
/// 6.2.2.2). Others stay encoded, so that an encoded slash is not a separator.
pub(in crate::api) fn normalize(path: &str) -> Cow<'_, str> {
    let mut parts = path.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    if decoded.len() == path.len() {
        return Cow::Borrowed(path);
    }
    for part in parts {
        match part.get(..2).and_then(unreserved) {
            Some(letter) => {
                decoded.push(letter);
                decoded.push_str(part.get(2..).unwrap_or_default());
            }
            None => {
                decoded.push('%');
                decoded.push_str(part);
            }
        }
    }
    Cow::Owned(decoded)
}

/// Returns the unreserved character that two hexadecimal digits encode (RFC 3986, section 2.3).
fn unreserved(digits: &str) -> Option<char> {
    // `from_str_radix` also accepts a sign.
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let letter = char::from(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
    (letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_' | '~')).then_some(letter)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_unreserved_characters_only() {
        for (path, same) in [
            ("/keys/a-1", "/keys/a-1"),
            ("/%6beys/%61%2D1", "/keys/a-1"),
            ("/keys/%41%7e%5F%2e", "/keys/A~_."),
            ("/keys/a%2Fb", "/keys/a%2Fb"),
            ("/keys/East%20US%2a", "/keys/East%20US%2a"),
            ("/keys/%2561", "/keys/%2561"),
            ("/keys/%", "/keys/%"),
            ("/keys/%6", "/keys/%6"),
            ("/keys/%zz%+1%-1", "/keys/%zz%+1%-1"),
            ("/keys/%é1", "/keys/%é1"),
            ("", ""),
        ] {
            assert_eq!(normalize(path), same, "{path}");
        }
    }
}
