//! Renders the record of refused calls that have no record of their own.

use super::render::Object;
use crate::model::Timestamp;

/// Refused calls of unauthenticated callers that were counted instead of recorded one by one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unrecorded {
    /// The address or network that they came from, or `other addresses`.
    pub address: String,
    /// How many there were.
    pub calls: u64,
    /// How many of them got a token, and were not refused: those of managed identities, which show no secret.
    pub issued: u64,
    /// When the first of them came.
    pub first: Timestamp,
    /// When the last of them came.
    pub last: Timestamp,
    /// What the first of them asked for.
    pub request_uri: String,
}

/// One record for all of them, with the members of Azure's that apply, and how many calls it stands for.
pub fn render_unrecorded(event: &'static str, at: Timestamp, counted: &Unrecorded) -> String {
    let mut json = Object::with_capacity(512);
    json.display("time", format_args!("{at:.3}"));
    json.plain("operationName", event);
    json.plain("operationVersion", "v1");
    json.plain("category", "AuditEvent");
    let refused = counted.issued < counted.calls;
    json.plain("resultType", if refused { "Failure" } else { "Success" });
    json.plain("resultSignature", if refused { "UNAUTHENTICATED" } else { "OK" });
    let (calls, address) = (counted.calls, &counted.address);
    json.text("resultDescription", &format!("{calls} more calls like this from {address}"), usize::MAX);
    json.text("callerIpAddress", address, usize::MAX);
    json.number("calls", calls);
    json.number("tokensIssued", counted.issued);
    json.display("first", format_args!("{:.3}", counted.first));
    json.display("last", format_args!("{:.3}", counted.last));
    json.text("requestUri", &counted.request_uri, usize::MAX);
    json.number("httpStatusCode", if refused { 401 } else { 200 });
    json.finish()
}
