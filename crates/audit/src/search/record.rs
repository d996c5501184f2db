//! A record of a log as a search returns it.

use std::net::IpAddr;

use serde::Deserialize;

use crate::model::Timestamp;

/// A record. Members that it does not have are empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundRecord {
    /// Its sequence number.
    pub seq: u64,
    /// `time`.
    pub time: Timestamp,
    /// `operationName`.
    pub operation: String,
    /// Whether `resultType` is `Success`.
    pub is_success: bool,
    /// `resultSignature`: `OK`, or the reason of a failure.
    pub result: String,
    /// `httpStatusCode`.
    pub status: u16,
    /// `durationMs`.
    pub duration_ms: u64,
    /// The caller in `identity`.
    pub caller: FoundCaller,
    /// `callerIpAddress`.
    pub address: Option<IpAddr>,
    /// `clientInfo`.
    pub client_info: String,
    /// `requestUri`.
    pub request_uri: String,
    /// `correlationId`.
    pub correlation_id: String,
    /// `target`.
    pub target: String,
    /// `resourceId`, in upper case.
    pub resource_id: String,
    /// The resource name of the container, such as `hsms/local`.
    pub container: String,
    /// `items` and `failedItems` of a batch.
    pub items: Option<(u64, u64)>,
}

/// The caller of a record. Members that it does not have are empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FoundCaller {
    /// The object id of the principal.
    pub principal: String,
    /// The application.
    pub application: String,
    /// The user principal name.
    pub user: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    time: String,
    operation_name: String,
    #[serde(default)]
    result_type: String,
    #[serde(default)]
    result_signature: String,
    #[serde(default)]
    http_status_code: u16,
    #[serde(default)]
    duration_ms: u64,
    #[serde(default)]
    identity: String,
    #[serde(default)]
    caller_ip_address: String,
    #[serde(default)]
    client_info: String,
    #[serde(default)]
    request_uri: String,
    #[serde(default)]
    correlation_id: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    resource_id: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    resource_type: String,
    #[serde(default)]
    properties: Properties,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Properties {
    items: Option<u64>,
    failed_items: Option<u64>,
}

/// `identity`, with the members of Azure's logs.
#[derive(Deserialize, Default)]
struct Identity {
    #[serde(default)]
    claim: Claim,
}

#[derive(Deserialize, Default)]
struct Claim {
    #[serde(default)]
    appid: String,
    #[serde(default, rename = "http_schemas_microsoft_com_identity")]
    principal: Claims,
    #[serde(default, rename = "http_schemas_xmlsoap_org_ws_2005_05_identity")]
    user: Claims,
}

#[derive(Deserialize, Default)]
struct Claims {
    #[serde(default)]
    claims: Values,
}

#[derive(Deserialize, Default)]
struct Values {
    #[serde(default)]
    objectidentifier: String,
    #[serde(default)]
    upn: String,
}

impl FoundRecord {
    /// Parses a line of a log; `None` if it is no record.
    pub(super) fn parse(seq: u64, line: &[u8]) -> Option<Self> {
        let line: Line = serde_json::from_slice(line).ok()?;
        let collection = if line.resource_type.eq_ignore_ascii_case("vaults") { "vaults" } else { "hsms" };
        let container = match line.resource.as_str() {
            "" => String::new(),
            name => format!("{collection}/{name}"),
        };
        let Properties { items, failed_items } = line.properties;
        Some(Self {
            seq,
            time: line.time.parse().ok()?,
            operation: line.operation_name,
            is_success: line.result_type == "Success",
            result: line.result_signature,
            status: line.http_status_code,
            duration_ms: line.duration_ms,
            caller: FoundCaller::parse(&line.identity),
            address: line.caller_ip_address.parse().ok(),
            client_info: line.client_info,
            request_uri: line.request_uri,
            correlation_id: line.correlation_id,
            target: line.target,
            resource_id: line.resource_id,
            container,
            items: items.map(|items| (items, failed_items.unwrap_or(0))),
        })
    }
}

impl FoundCaller {
    fn parse(identity: &str) -> Self {
        let Identity { claim: Claim { appid, principal, user } } =
            serde_json::from_str(identity).unwrap_or_default();
        Self { principal: principal.claims.objectidentifier, application: appid, user: user.claims.upn }
    }
}

/// The time of a record; `None` if the line is none.
pub(crate) fn time_of(line: &[u8]) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Time {
        time: String,
    }
    let Time { time } = serde_json::from_slice(line).ok()?;
    time.parse().ok()
}
