//! The files of the web console, which the program contains. `console/` has their sources.

use aws_lc_rs::digest::{SHA256, digest};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, InvalidHeaderValue};
use http::{HeaderMap, HeaderValue, StatusCode};

/// A file of the console.
pub(super) struct Asset {
    /// The path of its URL.
    pub(super) path: &'static str,
    content_type: &'static str,
    content: &'static [u8],
}

// All files of `console/dist`, as `ASSETS`; written by the build script.
include!(concat!(env!("OUT_DIR"), "/console.rs"));

impl Asset {
    /// Returns the entity tag, which depends on the content only.
    ///
    /// # Errors
    /// None: base64 can be in a header.
    pub(super) fn etag(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        let digest = digest(&SHA256, self.content);
        HeaderValue::try_from(format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest)))
    }

    /// Returns the file, or 304 if the client has it. Clients ask before each use, because a newer program has other files
    /// under the same names.
    pub(super) fn answer(&self, etag: &HeaderValue, request: &HeaderMap) -> Response {
        let cached = [(CACHE_CONTROL, HeaderValue::from_static("no-cache")), (ETAG, etag.clone())];
        if request.get_all(IF_NONE_MATCH).iter().any(|tags| names(tags, etag)) {
            return (StatusCode::NOT_MODIFIED, cached).into_response();
        }
        (cached, [(CONTENT_TYPE, self.content_type)], self.content).into_response()
    }
}

/// Whether the value of `If-None-Match` names an entity tag, by weak comparison (RFC 9110, sections 8.8.3 and 13.1.2).
fn names(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let mut tags = tags.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    // Tags of this service contain no comma, so other tags may be split without effect.
    tags.any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_versions_are_not_sent_again() {
        let etag = ASSETS[0].etag().unwrap();
        let text = etag.to_str().unwrap();
        let status = |tags: &str| {
            let request = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_str(tags).unwrap())]);
            ASSETS[0].answer(&etag, &request).status().as_u16()
        };
        for tags in [text.to_owned(), format!("W/{text}"), format!("\"a\", {text},\"b,c\""), "*".to_owned()] {
            assert_eq!(status(&tags), 304, "{tags}");
        }
        for tags in ["", "\"\"", "\"a\"", text.trim_matches('"'), &text.to_lowercase()] {
            assert_eq!(status(tags), 200, "{tags}");
        }
        assert_ne!(ASSETS[1].etag().unwrap(), etag);
    }
}
