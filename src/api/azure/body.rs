//! Request bodies: reads them up to a limit, and parses them as JSON regardless of `Content-Type`.

use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use futures_util::StreamExt as _;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, EXPECT};
use http::request::Parts;
use http::{HeaderMap, Version};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::super::body_budget::BodyReservation;
use crate::model::{Error, Field, Result};

/// A body that is too large is read and discarded up to this many times the limit: a client that is still writing when
/// the connection is closed never receives the response.
const DISCARD_FACTOR: usize = 4;

/// How long a body is read and discarded.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads a body whose bytes `reservation` reserves, up to `limit` bytes. The buffer is zeroized, since it may contain
/// plaintext or a key.
pub(in crate::api) async fn read(
    headers: &HeaderMap,
    body: Body,
    reservation: Option<&BodyReservation>,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    let announced: usize = announced.unwrap_or(0);
    let mut buffer = Zeroizing::new(Vec::new());
    let mut chunks = body.into_data_stream();
    let (mut received, mut too_large) = (0_usize, announced > limit);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            let stopped = reservation.and_then(BodyReservation::body_error).cloned();
            stopped.unwrap_or_else(|| Error::invalid(Field::Body, "the body ended before it was complete"))
        })?;
        received = received.saturating_add(chunk.len());
        too_large |= received > limit;
        if !too_large {
            if buffer.capacity() < received {
                // Grown only when bytes arrive: `Content-Length` alone allocates nothing. The old buffer is zeroized.
                let mut larger =
                    Zeroizing::new(Vec::with_capacity(announced.max(received.next_power_of_two())));
                larger.extend_from_slice(&buffer);
                buffer = larger;
            }
            buffer.extend_from_slice(&chunk);
        } else if received > limit.saturating_mul(DISCARD_FACTOR) {
            break;
        }
    }
    if too_large { Err(Error::RequestTooLarge { limit }) } else { Ok(buffer) }
}

/// Reads and discards the body that a client is still sending over HTTP/1.1, for a limited time; see [`DISCARD_FACTOR`].
/// Over HTTP/2 the client receives the response anyway.
pub(in crate::api) async fn discard(parts: &Parts, body: Body, limit: usize) {
    let (headers, version) = (&parts.headers, parts.version);
    if version >= Version::HTTP_2 || headers.contains_key(EXPECT) || !headers.contains_key(AUTHORIZATION) {
        return;
    }
    if let Some(reservation) = parts.extensions.get::<BodyReservation>() {
        reservation.discard_bytes();
    }
    let mut chunks = body.into_data_stream();
    let rest = async {
        let mut received = 0_usize;
        while let Some(Ok(chunk)) = chunks.next().await {
            received = received.saturating_add(chunk.len());
            if received > limit {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, rest).await;
}

/// Parses a body as a JSON object; an empty body is an empty object. Members that are unknown or null count as absent.
pub(in crate::api) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let body = match body.trim_ascii() {
        [] => b"{}",
        object @ [b'{', ..] => object,
        _ => return Err(Error::invalid(Field::Body, "this is not a JSON object (line 1, column 1)")),
    };
    // The message gives the position only: that of `serde_json` would quote the value, which may be secret.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let what = match error.classify() {
            serde_json::error::Category::Data => "a member has the wrong type",
            _ => "this is not JSON",
        };
        Error::invalid(Field::Body, format!("{what} (line {line}, column {column})"))
    })
}

/// Encodes bytes as base64url without padding.
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
    fn errors_give_the_position_without_quoting_the_body() {
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
