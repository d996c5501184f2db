//! Watching audit records: they arrive as they are written, with filters, and each message is authorized.

use std::time::Duration;

use strongroom::api::grpc::pb;
use tonic::codec::Streaming;
use tonic::{Code, Status};

use crate::control::support::{READER, assign, group, unassign};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_not_granted, sign};
use crate::support::{Client, Server, ec, error_metadata, reason};

fn request(parent: &str) -> pb::WatchAuditRecordsRequest {
    pb::WatchAuditRecordsRequest { parent: parent.to_owned(), ..Default::default() }
}

/// Opens a watch, whose first message has no records.
async fn open(
    client: &mut Client,
    request: pb::WatchAuditRecordsRequest,
) -> (Streaming<pb::WatchAuditRecordsResponse>, String) {
    let mut stream = client.audit.watch_audit_records(request).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!(first.records, []);
    assert!(first.log.unwrap().last > 0);
    (stream, first.resume_token)
}

/// Reads messages until there are this many records. Returns their operations, and the last resume token.
async fn next(stream: &mut Streaming<pb::WatchAuditRecordsResponse>, number: usize) -> (Vec<String>, String) {
    let (mut operations, mut token) = (Vec::new(), String::new());
    while operations.len() < number {
        let message = tokio::time::timeout(Duration::from_secs(30), stream.message()).await;
        let message = message.expect("no message arrives").unwrap().unwrap();
        assert!(!message.records.is_empty());
        operations.extend(message.records.into_iter().map(|record| record.operation));
        token = message.resume_token;
    }
    (operations, token)
}

#[tokio::test]
async fn records_arrive_in_order_and_a_token_resumes() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let answer = dev.audit.watch_audit_records(request(SUBSCRIPTION)).await.unwrap();
    assert_audited(&server, answer.metadata(), "AuditRecordWatch", "OK", &format!("/{SUBSCRIPTION}"));
    drop(answer);
    let (mut stream, start) = open(&mut dev, request(SUBSCRIPTION)).await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    assert_eq!(next(&mut stream, 1).await.0, ["KeyCreate"]);
    sign(&mut dev, "invoices").await.unwrap();
    sign(&mut dev, "invoices").await.unwrap();
    let (operations, token) = next(&mut stream, 2).await;
    assert_eq!(operations, ["KeySign", "KeySign"]);

    // The records after a token, and none of the watches themselves.
    let resumed = |resume_token: &str| pb::WatchAuditRecordsRequest {
        resume_token: resume_token.to_owned(),
        until_now: true,
        ..request(SUBSCRIPTION)
    };
    for (token, expected) in [(&start, vec!["KeyCreate", "KeySign", "KeySign"]), (&token, vec![])] {
        let mut stream = dev.audit.watch_audit_records(resumed(token)).await.unwrap().into_inner();
        let mut found = Vec::new();
        while let Some(message) = stream.message().await.unwrap() {
            found.extend(message.records.into_iter().map(|record| record.operation));
        }
        assert_eq!(found, expected);
    }
    assert_bad_parameter(dev.audit.watch_audit_records(resumed("17")).await, "resume_token");
}

#[tokio::test]
async fn an_idle_watch_writes_nothing_and_filters_apply() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let refusals = pb::WatchAuditRecordsRequest {
        result: "Failure".to_owned(),
        target: "keys/invoices".to_owned(),
        ..request(&format!("{}/managedHsms/local", group("dev")))
    };
    let (mut stream, _) = open(&mut dev, refusals).await;
    let watches = || server.audit_where(0, |line| line["operationName"] == "AuditRecordWatch").len();
    let before = watches();
    for _ in 0..5 {
        sign(&mut dev, "invoices").await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(watches(), before, "records that do not match cause no call");
    assert_not_granted(sign(&mut nobody, "invoices").await);
    let message = stream.message().await.unwrap().unwrap();
    let [record] = message.records.as_slice() else { panic!("{message:?}") };
    assert_eq!(record.result, "ACTION_NOT_GRANTED");
    assert_eq!(record.principal_id, server.principal("nobody").object_id);
    assert_eq!(watches(), before + 1);
}

#[tokio::test]
async fn removed_role_ends_the_watch_before_the_next_record() {
    let server = Server::start();
    let (mut dev, mut owner) = (server.client("dev").await, server.client("owner").await);
    let mut nobody = server.client("nobody").await;
    let refused: Result<_, Status> = nobody.audit.watch_audit_records(request(SUBSCRIPTION)).await;
    let refused = assert_not_granted(refused);
    assert_eq!(error_metadata(&refused, "action"), "Microsoft.Insights/logs/AZKVAuditLogs/read");
    let given = assign(&mut owner, READER, &server.principal("nobody").object_id, SUBSCRIPTION).await;
    let (mut stream, _) = open(&mut nobody, request(SUBSCRIPTION)).await;
    unassign(&mut owner, &given.name).await.unwrap();
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let ended = stream.message().await.unwrap_err();
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::PermissionDenied, "ACTION_NOT_GRANTED"));
}
