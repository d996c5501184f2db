//! Listing audit records: scopes, filters, pages, roles, and the state of the chain.

use strongroom::api::grpc::pb;
use tonic::{Code, Response, Status};

use crate::control::support::{READER, assign, create_group, group, vault};
use crate::hsms::Container;
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{
    CRYPTO_USER, HSM, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid,
    metadata, sign,
};
use crate::support::{Client, Server, ec, error_metadata};

/// The scope of the seed's HSM.
fn hsm() -> String {
    format!("{}/managedHsms/local", group("dev"))
}

fn request(parent: &str) -> pb::ListAuditRecordsRequest {
    pb::ListAuditRecordsRequest { parent: parent.to_owned(), ..Default::default() }
}

async fn list(client: &mut Client, request: pb::ListAuditRecordsRequest) -> pb::ListAuditRecordsResponse {
    client.audit.list_audit_records(request).await.map(Response::into_inner).unwrap()
}

/// The operations and results, newest first.
fn calls(page: &pb::ListAuditRecordsResponse) -> Vec<(&str, &str)> {
    page.records.iter().map(|record| (record.operation.as_str(), record.result.as_str())).collect()
}

#[tokio::test]
async fn records_are_those_of_the_files_newest_first() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    dev.create(ec("invoices", "P-256")).await.unwrap();
    sign(&mut dev, "invoices").await.unwrap();
    assert_not_granted(sign(&mut nobody, "invoices").await);
    let answer = dev.audit.list_audit_records(request(&hsm())).await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/managedHSMs/local", group("dev"));
    assert_audited(&server, metadata(&answer), "AuditRecordList", "OK", &scope);
    let page = answer.unwrap().into_inner();
    assert_eq!(calls(&page), [("KeySign", "ACTION_NOT_GRANTED"), ("KeySign", "OK"), ("KeyCreate", "OK")]);
    assert_eq!(page.next_page_token, "");

    // Each has the members of its line in the file.
    for record in &page.records {
        let lines = server.audit_where(1, |line| line["seq"] == record.sequence_number);
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        let found = [
            &record.operation,
            &record.result,
            &record.target,
            &record.correlation_id,
            &record.client,
            &record.request,
            &record.address,
            &record.resource_id,
        ];
        let members = [
            "operationName",
            "resultSignature",
            "target",
            "correlationId",
            "clientInfo",
            "requestUri",
            "callerIpAddress",
            "resourceId",
        ];
        assert_eq!(found.map(String::as_str), members.map(|name| line[name].as_str().unwrap()));
        assert_eq!(u64::from(record.http_status), line["httpStatusCode"].as_u64().unwrap());
        assert_eq!(record.success, line["resultType"] == "Success");
        assert!(line["identity"].as_str().unwrap().contains(&record.principal_id), "{line}");
        assert_eq!(record.container, HSM);
    }
    assert_eq!(page.records[0].principal_id, server.principal("nobody").object_id);
}

#[tokio::test]
async fn scopes_and_filters_select_records() {
    let server = Server::start();
    let container = Container::of(&server);
    let (mut dev, mut owner) = (server.client("dev").await, server.client("owner").await);
    create_group(&mut owner, "team").await;
    let payroll = container.vault_request_with("payroll", |_| ());
    crate::vaults::create(&mut owner, payroll).await.unwrap();
    dev.create(ec("invoices", "P-256")).await.unwrap();
    dev.create(ec("letters", "P-256")).await.unwrap();
    let deletion = pb::DeleteKeyRequest { name: format!("{HSM}/keys/invoices") };
    dev.keys.delete_key(deletion).await.unwrap();

    let reading = owner.clone();
    let of = async |parent: String| list(&mut reading.clone(), request(&parent)).await.records.len();
    assert_eq!(of(hsm()).await, 3);
    // The vault did not exist yet when its record was written, so the target tells.
    let created = list(&mut owner, request(&vault("payroll"))).await;
    assert_eq!(calls(&created).last(), Some(&("VaultPut", "OK")), "{created:?}");
    assert_eq!(calls(&list(&mut owner, request(&group("team"))).await), [("ResourceGroupCreate", "OK")]);
    assert!(of(group("dev")).await > 4);
    assert!(of(SUBSCRIPTION.to_owned()).await > of(group("dev")).await);

    // Who has deleted the key, and when.
    let who = pb::ListAuditRecordsRequest {
        operation: "KeyDelete".to_owned(),
        target: "keys/INVOICES".to_owned(),
        result: "success".to_owned(),
        ..request(&hsm())
    };
    let found = list(&mut owner, who.clone()).await;
    let [record] = found.records.as_slice() else { panic!("{found:?}") };
    assert_eq!(record.principal_id, server.principal("dev").object_id);
    assert_eq!(record.target, "hsms/local/keys/invoices");
    // The same in a period, which includes its start and excludes its end.
    let in_period = |from, to| pb::ListAuditRecordsRequest { from, to, ..who.clone() };
    let later = record.time.map(|time| prost_types::Timestamp { seconds: time.seconds + 1, ..time });
    for (from, to, expected) in
        [(record.time, later, 1), (later, None, 0), (None, record.time, 0), (None, later, 1)]
    {
        assert_eq!(list(&mut owner, in_period(from, to)).await.records.len(), expected);
    }
    let by_owner =
        pb::ListAuditRecordsRequest { principal: server.principal("owner").object_id, ..request(&hsm()) };
    let by_owner = list(&mut owner, by_owner).await;
    assert!(by_owner.records.iter().all(|record| record.operation == "AuditRecordList"), "{by_owner:?}");
}

#[tokio::test]
async fn pages_continue_where_they_end_while_the_log_grows() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    for _ in 0..7 {
        sign(&mut dev, "invoices").await.unwrap();
    }
    let mut page =
        pb::ListAuditRecordsRequest { operation: "KeySign".to_owned(), page_size: 3, ..request(&hsm()) };
    let (mut numbers, mut pages) = (Vec::new(), 0);
    loop {
        let reply = list(&mut dev, page.clone()).await;
        numbers.extend(reply.records.iter().map(|record| record.sequence_number));
        pages += 1;
        assert!(reply.records.len() <= 3 && reply.searched_to.is_some());
        page.page_token = reply.next_page_token;
        if page.page_token.is_empty() {
            break;
        }
        // Newer records do not move the older ones.
        sign(&mut dev, "invoices").await.unwrap();
    }
    assert_eq!((numbers.len(), pages), (7, 3));
    assert!(numbers.is_sorted_by(|left, right| left > right), "{numbers:?}");
    for token in ["x", "2026-01-01", "9999-01-01-1-5"] {
        let wrong = pb::ListAuditRecordsRequest { page_token: token.to_owned(), ..request(&hsm()) };
        let answer = dev.audit.list_audit_records(wrong).await;
        if token.starts_with("9999") {
            // A file that does not exist: there is nothing before it but the log.
            answer.unwrap();
        } else {
            assert_bad_parameter(answer, "page_token");
        }
    }
    let negative = pb::ListAuditRecordsRequest { page_size: -1, ..request(&hsm()) };
    assert_bad_parameter(dev.audit.list_audit_records(negative).await, "page_size");
    let object = request(&format!("{}/keys/a", vault("payroll")));
    assert_bad_parameter(dev.audit.list_audit_records(object).await, "parent");
}

#[tokio::test]
async fn requires_the_action_of_logs_at_the_scope() {
    let server = Server::start();
    let (mut owner, mut reader) = (server.client("owner").await, server.client("reader").await);
    list(&mut reader, request(SUBSCRIPTION)).await;
    // Roles of the data plane include none on the control plane: duties are separated.
    for name in ["administrator", "crypto-user", "crypto-auditor", "nobody"] {
        let mut other = server.client(name).await;
        let refused = assert_not_granted(other.audit.list_audit_records(request(SUBSCRIPTION)).await);
        assert_eq!(error_metadata(&refused, "action"), "Microsoft.Insights/logs/AZKVAuditLogs/read");
        assert!(error_metadata(&refused, "roles").contains("Reader"), "{refused:?}");
    }
    // A role at one resource is none at another, nor above.
    let own = server.principal("nobody").object_id;
    let mut nobody = server.client("nobody").await;
    assign(&mut owner, READER, &own, &hsm()).await;
    let seen = list(&mut nobody, request(&hsm())).await;
    let is_of_hsm =
        |record: &pb::AuditRecord| record.container == HSM || record.target.contains("/managedHSMs/local/");
    assert!(!seen.records.is_empty() && seen.records.iter().all(is_of_hsm), "{seen:?}");
    for scope in [group("dev"), vault("payroll"), SUBSCRIPTION.to_owned()] {
        assert_not_granted(nobody.audit.list_audit_records(request(&scope)).await);
    }
    let unknown = request(&format!("subscriptions/{}", guid(1)));
    let answer: Result<_, Status> = nobody.audit.list_audit_records(unknown).await;
    assert_grpc_error(answer, Code::NotFound, "SUBSCRIPTION_NOT_FOUND");
}

#[tokio::test]
async fn records_of_the_service_and_secrets_are_not_returned() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let bearer = server.access_token("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    crate::roles::support::assign(&mut dev, CRYPTO_USER, &guid(1), "/").await;
    let page = pb::ListAuditRecordsRequest { page_size: 1000, ..request(SUBSCRIPTION) };
    let page = list(&mut dev, page).await;
    assert!(page.records.len() >= 2);
    let text = format!("{page:?}");
    assert!(!text.contains(&bearer), "an access token is in a record");
    for operation in ["TokenIssue", "AuditLogSign", "AuditKeyCreate"] {
        assert!(!page.records.iter().any(|record| record.operation == operation), "{operation}");
    }
}

#[tokio::test]
async fn state_of_the_log_tells_its_end_its_signed_head_and_wrong_links() {
    let server = Server::start_with(&[], &[("STRONGROOM_AUDIT__SIGN_SECONDS", "1")]);
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let signed = server.audit_where(1, |line| line["operationName"] == "AuditLogSign");
    // The file with the head is written after its record.
    let log = loop {
        let log = list(&mut dev, request(SUBSCRIPTION)).await.log.unwrap();
        if log.signed_head.is_some() {
            break log;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    let head = log.signed_head.clone().unwrap();
    assert_eq!(head.key_id, signed[0]["signed"]["kid"].as_str().unwrap());
    assert!(head.last <= log.last && head.last > 0 && !log.signed_head_altered, "{log:?}");
    let lines = server.audit_where(1, |line| line["seq"] == head.last);
    assert_eq!(lines[0]["chain"], head.chain.as_str());
    assert!(log.checked_links > 3 && log.broken_at.is_none(), "{log:?}");

    // An altered record breaks a link, and an altered head is reported.
    let directory = server.directory().join("audit");
    let file = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let created = "\"operationName\":\"KeyCreate\"";
    let number = text
        .lines()
        .find(|line| line.contains(created))
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap());
    // The same length, in place: the service appends to this file.
    let at = u64::try_from(text.find(created).unwrap()).unwrap();
    let opened = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&opened, b"\"operationName\":\"KeyErased\"", at).unwrap();
    let log = list(&mut dev, request(SUBSCRIPTION)).await.log.unwrap();
    assert_eq!(log.broken_at, number, "{log:?}");
}
