//! The paths of requests: decodes characters that need no percent-encoding, before a request is routed.

use std::borrow::Cow;

use http::Request;
use http::uri::{PathAndQuery, Uri};

/// Returns the request with a normalized path. Applied once, where requests enter, so that all hosts and surfaces treat
/// equivalent paths alike.
pub fn normalize_path<B>(mut request: Request<B>) -> Request<B> {
    if let Some(uri) = normalized_uri(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

/// Returns the URI with a normalized path; `None` if it is normalized already.
fn normalized_uri(uri: &Uri) -> Option<Uri> {
    let Cow::Owned(path) = normalize(uri.path()) else { return None };
    let target = uri.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

/// Decodes the percent-encoded unreserved characters of a path: letters, digits, `-`, `.`, `_` and `~` (RFC 3986, section
/// 6.2.2.2). Others stay encoded, so that an encoded slash is not a separator.
fn normalize(path: &str) -> Cow<'_, str> {
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

    #[test]
    fn normalizes_path_of_every_form_of_request_target() {
        for (target, same) in [
            ("/%6beys?a=%61", "/keys?a=%61"),
            ("/keys/a%2Fb?%61", "/keys/a%2Fb?%61"),
            ("https://localhost:8443/%68ealthz", "https://localhost:8443/healthz"),
            ("*", "*"),
        ] {
            let request = normalize_path(Request::get(target).body(()).unwrap());
            assert_eq!(request.uri().to_string(), same, "{target}");
        }
    }
}
