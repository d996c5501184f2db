//! Request bodies: read up to a limit, and taken as JSON whatever their type says.

use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use futures_util::StreamExt as _;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT};
use http::request::Parts;
use http::{HeaderMap, Version};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::super::intake::Intake;
use crate::model::{Error, Result};

/// How many times the limit is read and dropped of a body that is too large. A client that is still writing
/// when the connection is closed never sees the answer.
const SWALLOWED: usize = 4;

/// How long a body is read and dropped.
const DISCARDING: Duration = Duration::from_secs(2);

/// Reads a body that `intake` takes in, up to `limit` bytes. It may hold plaintext or a key.
pub(in crate::api) async fn read(
    headers: &HeaderMap,
    body: Body,
    intake: Option<&Intake>,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let announced: usize = announced.unwrap_or(0);
    let mut whole = Zeroizing::new(Vec::new());
    let mut pieces = body.into_data_stream();
    let (mut seen, mut too_large) = (0_usize, announced > limit);
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| {
            let stopped = intake.and_then(Intake::stopped).cloned();
            stopped.unwrap_or_else(|| Error::invalid("body", "the body ended before it was complete"))
        })?;
        seen = seen.saturating_add(piece.len());
        too_large |= seen > limit;
        if !too_large {
            if whole.capacity() < seen {
                // Not before something of it is here: an announcement alone takes no memory. What is outgrown is wiped.
                let mut larger = Zeroizing::new(Vec::with_capacity(announced.max(seen.next_power_of_two())));
                larger.extend_from_slice(&whole);
                whole = larger;
            }
            whole.extend_from_slice(&piece);
        } else if seen > limit.saturating_mul(SWALLOWED) {
            break;
        }
    }
    if too_large { Err(Error::RequestTooLarge { limit }) } else { Ok(whole) }
}

/// Reads and drops what a client is still sending over HTTP/1.1, for a while: see [`SWALLOWED`]. With HTTP/2 the answer
/// arrives all the same.
pub(in crate::api) async fn discard(parts: &Parts, body: Body, limit: usize) {
    let (headers, version) = (&parts.headers, parts.version);
    if version >= Version::HTTP_2 || headers.contains_key(EXPECT) || !headers.contains_key(AUTHORIZATION) {
        return;
    }
    if let Some(intake) = parts.extensions.get::<Intake>() {
        intake.drop_bytes();
    }
    let mut pieces = body.into_data_stream();
    let rest = async {
        let mut seen = 0_usize;
        while let Some(Ok(piece)) = pieces.next().await {
            seen = seen.saturating_add(piece.len());
            if seen > limit {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARDING, rest).await;
}

/// Takes a body as a JSON object; no body is an empty one. Members that are unknown, or null, count as absent.
pub(in crate::api) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let body = match body.trim_ascii() {
        [] => b"{}",
        object @ [b'{', ..] => object,
        _ => return Err(Error::invalid("body", "a JSON object is needed (line 1, column 1)")),
    };
    // What is wrong is told by its place: the library would quote it, and it may be a secret.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = match error.classify() {
            serde_json::error::Category::Data => "a member has the wrong type",
            _ => "this is not JSON",
        };
        Error::invalid("body", format!("{what} (line {line}, column {column})"))
    })
}

/// Writes bytes as base64url without padding.
pub(in crate::api) fn base64url(bytes: &[u8]) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Sample {
        value: Option<String>,
        number: Option<u32>,
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place_and_not_quoted() {
        for text in [
            r#"{"number":"geheim"}"#,
            r#"{"value":["geheim"]}"#,
            r#"{"value":"geheim"#,
            "geheim",
            "[]",
            "\u{0}",
        ] {
            let error = parse::<Sample>(text.as_bytes()).map(|sample| (sample.value, sample.number));
            let error = error.unwrap_err().to_string();
            assert!(!error.contains("geheim") && error.contains("line 1"), "{error}");
        }
    }
}
