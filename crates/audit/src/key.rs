//! Renders the audit records about the log itself: a new signing key, and files that fail verification.

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

/// Renders the record of a new signing key.
///
/// # Errors
/// `Internal` if it cannot be serialized as JSON.
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

/// Renders the record of audit files that differ from what was written.
///
/// # Errors
/// `Internal` if it cannot be serialized as JSON.
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
