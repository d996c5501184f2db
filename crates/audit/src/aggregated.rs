//! Renders the aggregate record of unauthenticated calls that are not recorded individually.

use super::render::JsonObject;
use crate::model::Timestamp;

/// Calls of unauthenticated clients that were counted instead of recorded individually.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AggregatedCalls {
    /// The client address or network, or `other addresses`.
    pub address: String,
    /// The number of calls.
    pub calls: u64,
    /// The number of these calls that were issued an access token: those of managed identities, which need no secret.
    pub issued: u64,
    /// The time of the first call.
    pub first: Timestamp,
    /// The time of the last call.
    pub last: Timestamp,
    /// The request URI of the first call.
    pub request_uri: String,
}

/// Renders one record for all calls, with the applicable members of Azure's records and the number of calls.
pub fn render_aggregated_calls(event: &'static str, at: Timestamp, counted: &AggregatedCalls) -> String {
    let mut json = JsonObject::with_capacity(512);
    json.display("time", format_args!("{at:.3}"));
    json.plain("operationName", event);
    json.plain("operationVersion", "v1");
    json.plain("category", "AuditEvent");
    let rejected = counted.issued < counted.calls;
    json.plain("resultType", if rejected { "Failure" } else { "Success" });
    json.plain("resultSignature", if rejected { "UNAUTHENTICATED" } else { "OK" });
    let (calls, address) = (counted.calls, &counted.address);
    json.text("resultDescription", &format!("{calls} more calls like this from {address}"), usize::MAX);
    json.text("callerIpAddress", address, usize::MAX);
    json.number("calls", calls);
    json.number("tokensIssued", counted.issued);
    json.display("first", format_args!("{:.3}", counted.first));
    json.display("last", format_args!("{:.3}", counted.last));
    json.text("requestUri", &counted.request_uri, usize::MAX);
    json.number("httpStatusCode", if rejected { 401 } else { 200 });
    json.finish()
}
