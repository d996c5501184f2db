//! Paths, taken apart. Empty segments count for nothing, wherever they stand: clients write them where they leave a
//! version or a scope out.

use std::borrow::Cow;

/// Segments of a path at most; the longest route has thirteen.
const MOST: usize = 24;

/// The same path, with letters, digits, `-`, `.`, `_` and `~` as they are: escaped or not they mean the same (RFC 3986,
/// section 6.2.2.2). Other escapes stay, so that an escaped slash separates nothing.
pub(in crate::api) fn normal(path: &str) -> Cow<'_, str> {
    let mut pieces = path.split('%');
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    if whole.len() == path.len() {
        return Cow::Borrowed(path);
    }
    for piece in pieces {
        match piece.get(..2).and_then(unreserved) {
            Some(letter) => {
                whole.push(letter);
                whole.push_str(piece.get(2..).unwrap_or_default());
            }
            None => {
                whole.push('%');
                whole.push_str(piece);
            }
        }
    }
    Cow::Owned(whole)
}

/// The unreserved letter that two hexadecimal digits escape (RFC 3986, section 2.3).
fn unreserved(digits: &str) -> Option<char> {
    // `from_str_radix` would take a sign, too.
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let letter = char::from(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
    (letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | '_' | '~')).then_some(letter)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_unreserved_letters_are_the_letters_and_other_escapes_stay() {
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
            assert_eq!(normal(path), same, "{path}");
        }
    }
}
