//! Renders the records that the log writes of itself: a new key that signs it, and files that are not those written.

use serde::Serialize;

use super::statement::Jwk;
use crate::model::{Error, Result, Timestamp};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyRecord<'a> {
    time: String,
    operation_name: &'a str,
    operation_version: &'a str,
    category: &'a str,
    result_type: &'a str,
    result_signature: &'a str,
    kid: String,
    key: &'a Jwk,
}

/// The record of a new key that signs the log.
///
/// # Errors
/// `Internal` where it cannot be written as JSON.
pub fn render_key(event: &'static str, at: Timestamp, key: &Jwk) -> Result<String> {
    let record = KeyRecord {
        time: format!("{at:.3}"),
        operation_name: event,
        operation_version: "v1",
        category: "AuditKey",
        result_type: "Success",
        result_signature: "OK",
        kid: key.thumbprint(),
        key,
    };
    serde_json::to_string(&record).map_err(Error::internal)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingRecord<'a> {
    time: String,
    operation_name: &'a str,
    operation_version: &'a str,
    category: &'a str,
    result_type: &'a str,
    result_signature: &'a str,
    result_description: &'a str,
}

/// The record of audit files that were found not to be those that were written.
///
/// # Errors
/// `Internal` where it cannot be written as JSON.
pub fn render_finding(event: &'static str, at: Timestamp, signature: &str, why: &str) -> Result<String> {
    let record = FindingRecord {
        time: format!("{at:.3}"),
        operation_name: event,
        operation_version: "v1",
        category: "AuditKey",
        result_type: "Failure",
        result_signature: signature,
        result_description: why,
    };
    serde_json::to_string(&record).map_err(Error::internal)
}
