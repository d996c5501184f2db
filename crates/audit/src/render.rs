//! Renders the audit record of a call in the format of Azure Managed HSM logs.
//!
//! Members, spelling and order are those of the example in "Managed HSM logging" of Azure's
//! documentation. Two are additions: `target`, the resource that was acted on, and `resultSignature`, the
//! name of the error or `OK`. For a batch, `properties` also has `items` and `failedItems`, its numbers of items.

use std::fmt::Write as _;

use uuid::Uuid;

use crate::model::audit_entry::{AuditCaller, AuditEntry};
use crate::model::container::{Container, ContainerId, ContainerKind};

/// The maximum lengths of values, in bytes. Callers choose these values, and must not inflate the log.
mod limit {
    pub(super) const CLIENT_INFO: usize = 512;
    pub(super) const REQUEST_URI: usize = 2_048;
    pub(super) const TARGET: usize = 512;
    pub(super) const CALLER: usize = 256;
    pub(super) const RESOURCE: usize = 1_024;
}

/// Renders the audit record of a call as one JSON object on one line. `container` is the one that the
/// request names, if it exists. Contains no key material, plaintext, PIN or access token, because the entry has none.
pub fn render(entry: &AuditEntry, container: Option<&Container>) -> String {
    let id = container.map(Container::id).or_else(|| entry.container.clone());
    let name = id.as_ref().map_or("", |id| id.name());
    // Calls without a container have the names of a managed HSM, too: the log is that of the service.
    let names = id.as_ref().map_or(ContainerKind::ManagedHsm, ContainerId::kind).audit_names();
    let (sku, group) =
        container.map_or(("", ""), |container| (container.sku(), container.resource_group().as_str()));
    let (result, signature) = match entry.result {
        Ok(()) => ("Success", "OK"),
        Err(error) => ("Failure", error),
    };
    let mut json = JsonObject::with_capacity(1_536);
    json.uuid("TenantId", container.map(Container::tenant));
    json.display("time", format_args!("{:.3}", entry.at));
    json.text("resourceId", &container.map(resource_id).unwrap_or_default(), limit::RESOURCE);
    json.plain("operationName", entry.event);
    json.plain("operationVersion", &entry.origin.operation_version);
    json.plain("category", "AuditEvent");
    json.plain("resultType", result);
    json.name("properties");
    json.open();
    json.plain("PoolType", names.pool_type);
    json.text("sku_Family", container.map_or("", Container::sku_family), limit::RESOURCE);
    json.text("sku_Name", sku, limit::RESOURCE);
    if let Some(items) = entry.items {
        json.number("items", items.all);
        if let Some(failed) = items.failed {
            json.number("failedItems", failed);
        }
    }
    json.close();
    json.number("durationMs", entry.duration.as_millis());
    match entry.origin.address {
        Some(address) => json.display("callerIpAddress", format_args!("{address}")),
        None => json.plain("callerIpAddress", ""),
    }
    json.text("identity", &identity(entry.caller.as_ref()), usize::MAX);
    json.text("clientInfo", &entry.origin.client_info, limit::CLIENT_INFO);
    json.uuid("correlationId", Some(entry.origin.correlation_id));
    json.plain("subnetId", "(unknown)");
    json.number("httpStatusCode", entry.status);
    json.plain("PoolName", name);
    json.text("requestUri", &entry.origin.request_uri, limit::REQUEST_URI);
    json.text("resourceGroup", group, limit::RESOURCE);
    json.plain("resourceProvider", "MICROSOFT.KEYVAULT");
    json.plain("resource", name);
    json.plain("resourceType", names.resource_type);
    json.text("target", &entry.target, limit::TARGET);
    json.plain("resultSignature", signature);
    json.finish()
}

/// The resource ID in upper case, as in Azure's logs.
fn resource_id(container: &Container) -> String {
    let id = container.id();
    let mut id = format!(
        "/SUBSCRIPTIONS/{}/RESOURCEGROUPS/{}/PROVIDERS/MICROSOFT.KEYVAULT/{}/{}",
        container.subscription(),
        container.resource_group(),
        id.kind().audit_names().resource_type,
        id.name()
    );
    id.make_ascii_uppercase();
    id
}

/// The caller in Azure's format: a JSON object, which the record contains as a string.
fn identity(caller: Option<&AuditCaller>) -> String {
    let mut json = JsonObject::with_capacity(512);
    json.name("claim");
    json.open();
    if let Some(caller) = caller {
        if let Some(application) = &caller.application {
            json.text("appid", application, limit::CALLER);
        }
        json.name("http_schemas_microsoft_com_identity");
        json.open();
        json.name("claims");
        json.open();
        json.uuid("objectidentifier", Some(caller.principal.0));
        json.close();
        json.close();
        if let Some(user) = &caller.user {
            json.name("http_schemas_xmlsoap_org_ws_2005_05_identity");
            json.open();
            json.name("claims");
            json.open();
            json.text("upn", user, limit::CALLER);
            json.close();
            json.close();
        }
    }
    json.close();
    json.finish()
}

/// A writer of a JSON object. Used instead of serde because it runs for every call.
pub(super) struct JsonObject(String);

impl JsonObject {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Self(text)
    }

    /// Begins a member; names are constants that need no escaping.
    pub(super) fn name(&mut self, name: &'static str) {
        if self.0.as_bytes().last() != Some(&b'{') {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    pub(super) fn open(&mut self) {
        self.0.push('{');
    }

    pub(super) fn close(&mut self) {
        self.0.push('}');
    }

    /// A string that needs no escaping: a constant or a validated name.
    pub(super) fn plain(&mut self, name: &'static str, text: &str) {
        self.name(name);
        self.0.push('"');
        self.0.push_str(text);
        self.0.push('"');
    }

    /// A string, truncated to at most `limit` bytes.
    pub(super) fn text(&mut self, name: &'static str, text: &str, limit: usize) {
        self.name(name);
        self.0.push('"');
        escape(&mut self.0, &text[..text.floor_char_boundary(limit)]);
        self.0.push('"');
    }

    /// A value whose format needs no escaping. Writing to a `String` cannot fail.
    pub(super) fn display(&mut self, name: &'static str, value: std::fmt::Arguments<'_>) {
        self.name(name);
        let _ = write!(self.0, "\"{value}\"");
    }

    pub(super) fn number(&mut self, name: &'static str, value: impl std::fmt::Display) {
        self.name(name);
        let _ = write!(self.0, "{value}");
    }

    fn uuid(&mut self, name: &'static str, id: Option<Uuid>) {
        let mut buffer = Uuid::encode_buffer();
        let text = match &id {
            Some(id) => &*id.as_hyphenated().encode_lower(&mut buffer),
            None => "",
        };
        self.plain(name, text);
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Writes the escaped contents of a JSON string. Besides the escapes that JSON requires, escapes characters
/// that terminals and editors interpret: other control, zero-width and bidirectional characters.
fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    // Most texts need no escapes, or have long stretches without.
    while let Some(at) = rest.bytes().position(|b| !matches!(b, b' '..=b'~') || b == b'"' || b == b'\\') {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some(
                character @ ('\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'),
            ) => unicode_escape(out, character),
            Some(character) if character.is_control() => unicode_escape(out, character),
            Some(character) => out.push(character),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

/// Writes a character as `\uXXXX`; all escaped characters have at most four hexadecimal digits.
fn unicode_escape(out: &mut String, character: char) {
    let _ = write!(out, "\\u{:04x}", u32::from(character));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::model::audit_entry::{ItemCounts, Meter, Origin};
    use std::sync::Arc;

    use crate::model::hsm::{Activation, ManagedHsm};
    use crate::model::name::PrincipalId;
    use crate::model::retention::RetentionDays;

    fn hsm() -> ManagedHsm {
        ManagedHsm {
            id: uuid::Uuid::from_u128(7),
            name: "ContosoMHSM".parse().unwrap(),
            tenant: Uuid::from_u128(1),
            subscription: "a1ba9aaa-b7f6-4a33-b038-6e64553a6c7b".parse().unwrap(),
            resource_group: "ContosoGroup".parse().unwrap(),
            location: "here".into(),
            sku: "Standard_B1".into(),
            retention: RetentionDays::DEFAULT,
            purge_protection: false,
            activation: Activation::Active,
            initial_administrators: Vec::new(),
            token_serial: "1".into(),
            created: crate::model::Timestamp::UNIX_EPOCH,
            deletion: None,
            tags: std::collections::BTreeMap::new(),
            network: Default::default(),
            settings: Default::default(),
            security_domain: None,
            transfer_key: None,
            backup_jobs: Vec::new(),
        }
    }

    fn entry() -> AuditEntry {
        AuditEntry {
            at: "2020-08-31T19:52:39.763999Z".parse().unwrap(),
            event: "KeySign",
            meter: Meter::Cryptographic,
            container: Some("contosomhsm".parse().unwrap()),
            target: "hsms/ContosoMHSM/keys/invoices".into(),
            caller: Some(AuditCaller {
                principal: PrincipalId(Uuid::from_u128(2)),
                application: Some("app".into()),
                user: Some("admin@contoso.com".into()),
            }),
            origin: Origin {
                address: Some("10.0.0.1".parse().unwrap()),
                client_info: "az\"sdk\"".into(),
                correlation_id: Uuid::from_u128(3),
                request_uri: "/strongroom.v1.Crypto/Sign".into(),
                operation_version: "v1".into(),
                ..Origin::default()
            },
            result: Ok(()),
            status: 200,
            duration: Duration::from_micros(1_900),
            items: None,
        }
    }

    #[test]
    fn record_has_the_members_of_azure_logs() {
        let record: Value =
            serde_json::from_str(&render(&entry(), Some(&Container::ManagedHsm(Arc::new(hsm()))))).unwrap();
        let identity = concat!(
            r#"{"claim":{"appid":"app","http_schemas_microsoft_com_identity":{"claims":{"objectidentifier":"#,
            r#""00000000-0000-0000-0000-000000000002"}},"http_schemas_xmlsoap_org_ws_2005_05_identity":"#,
            r#"{"claims":{"upn":"admin@contoso.com"}}}}"#
        );
        assert_eq!(
            record,
            json!({
                "TenantId": "00000000-0000-0000-0000-000000000001",
                "time": "2020-08-31T19:52:39.763Z",
                "resourceId": "/SUBSCRIPTIONS/A1BA9AAA-B7F6-4A33-B038-6E64553A6C7B/RESOURCEGROUPS/CONTOSOGROUP\
                    /PROVIDERS/MICROSOFT.KEYVAULT/MANAGEDHSMS/CONTOSOMHSM",
                "operationName": "KeySign",
                "operationVersion": "v1",
                "category": "AuditEvent",
                "resultType": "Success",
                "properties": { "PoolType": "M-HSM", "sku_Family": "B", "sku_Name": "Standard_B1" },
                "durationMs": 1,
                "callerIpAddress": "10.0.0.1",
                "identity": identity,
                "clientInfo": "az\"sdk\"",
                "correlationId": "00000000-0000-0000-0000-000000000003",
                "subnetId": "(unknown)",
                "httpStatusCode": 200,
                "PoolName": "ContosoMHSM",
                "requestUri": "/strongroom.v1.Crypto/Sign",
                "resourceGroup": "ContosoGroup",
                "resourceProvider": "MICROSOFT.KEYVAULT",
                "resource": "ContosoMHSM",
                "resourceType": "managedHSMs",
                "target": "hsms/ContosoMHSM/keys/invoices",
                "resultSignature": "OK",
            })
        );
    }

    #[test]
    fn record_of_a_batch_has_its_numbers_of_items() {
        let properties = |items| {
            let entry = AuditEntry { items: Some(items), ..entry() };
            let record: Value = serde_json::from_str(&render(&entry, None)).unwrap();
            let numbers = ["items", "failedItems"].map(|name| record["properties"].get(name).cloned());
            numbers.map(|number| number.and_then(|number| number.as_u64()))
        };
        assert_eq!(properties(ItemCounts { all: 100, failed: Some(0) }), [Some(100), Some(0)]);
        assert_eq!(properties(ItemCounts { all: 100, failed: Some(7) }), [Some(100), Some(7)]);
        assert_eq!(properties(ItemCounts { all: 100, failed: None }), [Some(100), None]);
    }

    #[test]
    fn escapes_and_truncates_caller_input() {
        let mut entry = entry();
        let hostile = "\u{1b}[2J\n\r\t\"}\\,{\u{0}\u{85}\u{202e}\u{2028}é🔑";
        entry.origin.client_info = hostile.into();
        entry.origin.request_uri = "é".repeat(9_999);
        entry.caller = Some(AuditCaller {
            principal: PrincipalId(Uuid::nil()),
            application: None,
            user: Some(hostile.repeat(99)),
        });
        entry.result = Err("KeyNotFound");
        let text = render(&entry, None);
        assert!(text.chars().all(|c| !c.is_control() && c != '\u{202e}' && c != '\u{2028}'), "{text}");
        assert!(text.len() < 8_000);
        let record: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(record["clientInfo"], hostile);
        assert_eq!(record["requestUri"], "é".repeat(1_024));
        assert_eq!(
            (&record["resultType"], &record["resultSignature"]),
            (&json!("Failure"), &json!("KeyNotFound"))
        );
        assert_eq!((&record["PoolName"], &record["TenantId"]), (&json!("contosomhsm"), &json!("")));
        let identity: Value = serde_json::from_str(record["identity"].as_str().unwrap()).unwrap();
        let user = &identity["claim"]["http_schemas_xmlsoap_org_ws_2005_05_identity"]["claims"]["upn"];
        assert!(hostile.repeat(99).starts_with(user.as_str().unwrap()));
    }

    #[test]
    fn unauthenticated_caller_has_no_claims() {
        let record = AuditEntry { caller: None, container: None, ..entry() };
        let record: Value = serde_json::from_str(&render(&record, None)).unwrap();
        assert_eq!(record["identity"], r#"{"claim":{}}"#);
        assert_eq!(record["resource"], "");
    }
}
