//! Kills the server between the steps of a write, and lets writes fail: every answered call is recorded and counted once, and a
//! change exists exactly if its record does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::ambiguous_commit::compile_fault_library;
use crate::support::{Client, Server, ec};

/// The steps of a call without changes, and whether its record is found after a crash there.
const OF_SIGN: [(&str, bool); 4] =
    [("log-write", false), ("log-part", false), ("log-flush", true), ("log-flushed", true)];

/// The steps of a call with a change, and whether record and change are found after a crash there.
const OF_UPDATE: [(&str, bool); 7] = [
    ("database-write", false),
    // The process is killed, and what it has written is in the memory of the system.
    ("database-flush", true),
    ("database-flushed", true),
    ("log-write", true),
    ("log-part", true),
    ("log-flush", true),
    ("log-flushed", true),
];

/// A server whose writes fail at a step.
struct Rig {
    server: Server,
    step: PathBuf,
    /// Kept while the server runs.
    _library: tempfile::TempDir,
    /// The correlation ids of answered calls.
    answered: Vec<Uuid>,
    calls: u128,
}

impl Rig {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let library = compile_fault_library(directory.path(), "crash_step.c");
        let step = directory.path().join("step");
        let environment = [("LD_PRELOAD", library.to_str().unwrap()), ("CRASH_STEP", step.to_str().unwrap())];
        let server = Server::start_with(&[], &environment);
        Self { server, step, _library: directory, answered: Vec::new(), calls: 0 }
    }

    /// Returns a request with its own correlation id.
    fn request<T>(&mut self, message: T) -> (Uuid, Request<T>) {
        self.calls += 1;
        let id = Uuid::from_u128(self.calls);
        let mut request = Request::new(message);
        request.metadata_mut().insert("x-correlation-id", id.to_string().parse().unwrap());
        (id, request)
    }

    async fn sign(&mut self, client: &mut Client) -> (Uuid, Result<(), Status>) {
        let name = "hsms/local/keys/sample".to_owned();
        let message = pb::SignRequest { name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
        let (id, request) = self.request(message);
        let result = client.crypto.sign(request).await.map(drop);
        self.answered.extend(result.is_ok().then_some(id));
        (id, result)
    }

    /// Replaces the tags of the key by the number of the call.
    async fn update(&mut self, client: &mut Client) -> (Uuid, Result<(), Status>) {
        let message = pb::UpdateKeyVersionRequest {
            name: "hsms/local/keys/sample".to_owned(),
            tags: [("call".to_owned(), (self.calls + 1).to_string())].into(),
            update_mask: Some(prost_types::FieldMask { paths: vec!["tags".to_owned()] }),
            ..Default::default()
        };
        let (id, request) = self.request(message);
        let result = client.keys.update_key_version(request).await.map(drop);
        self.answered.extend(result.is_ok().then_some(id));
        (id, result)
    }

    /// Returns the number of the call that has set the tags.
    async fn tagged(&self, client: &mut Client) -> String {
        let request = pb::GetKeyRequest { name: "hsms/local/keys/sample".to_owned() };
        let key = client.keys.get_key(request).await.unwrap().into_inner();
        key.tags.get("call").cloned().unwrap_or_default()
    }

    /// Returns how often the log says that a call has succeeded. A call that failed because it could not be recorded is recorded
    /// as failed if the log works again by then.
    fn records_of(&self, id: Uuid) -> usize {
        let is_success = |record: &serde_json::Value| record["resultType"] == "Success";
        self.server
            .audit_where(0, |record| record["correlationId"] == id.to_string() && is_success(record))
            .len()
    }

    /// Waits for the end of the process, and starts the server again.
    async fn start_after_crash(&mut self) -> Client {
        let started = Instant::now();
        while self.server.is_running() {
            assert!(started.elapsed() < Duration::from_secs(20), "{}", self.server.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        std::fs::remove_file(&self.step).unwrap();
        self.server.kill();
        self.server.start_again();
        self.server.client("dev").await
    }

    /// Stops the server, and checks that the log is intact, has each answered call once, and that every record is counted once.
    async fn finish(mut self) {
        assert!(self.server.stop().success(), "{}", self.server.log());
        for id in &self.answered {
            assert_eq!(self.records_of(*id), 1, "{id}");
        }
        let report = strongroom::audit::verify(&self.server.directory().join("audit")).unwrap();
        assert_eq!((report.broken, report.first), (None, Some(1)));
        let mut recorded = BTreeMap::<String, i64>::new();
        for record in self.server.audit_where(0, |_| true) {
            *recorded.entry(record["operationName"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert_eq!(counted(&self.server).await, recorded);
    }
}

/// Returns the calls that the database of a stopped server has counted, by operation.
async fn counted(server: &Server) -> BTreeMap<String, i64> {
    use sqlx::ConnectOptions as _;
    let path = server.directory().join("strongroom.db");
    let mut database = sqlx::sqlite::SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let sql = "SELECT event, SUM(calls) FROM readings GROUP BY event";
    let rows: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(&mut database).await.unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn record_and_change_agree_after_a_crash_at_every_step() {
    let mut rig = Rig::start();
    let mut client = rig.server.client("dev").await;
    client.create(ec("sample", "P-256")).await.unwrap();
    for (step, is_found) in OF_SIGN {
        rig.sign(&mut client).await.1.unwrap();
        std::fs::write(&rig.step, step).unwrap();
        let (id, result) = rig.sign(&mut client).await;
        assert!(result.is_err_and(|status| super::is_connection_lost(&status)), "{step}");
        client = rig.start_after_crash().await;
        assert_eq!(rig.records_of(id), usize::from(is_found), "{step}");
        rig.sign(&mut client).await.1.unwrap();
    }
    for (step, is_found) in OF_UPDATE {
        rig.update(&mut client).await.1.unwrap();
        // A group without changes precedes the change in the log only.
        rig.sign(&mut client).await.1.unwrap();
        let before = rig.tagged(&mut client).await;
        std::fs::write(&rig.step, step).unwrap();
        let (id, result) = rig.update(&mut client).await;
        assert!(result.is_err_and(|status| super::is_connection_lost(&status)), "{step}");
        client = rig.start_after_crash().await;
        assert_eq!(rig.records_of(id), usize::from(is_found), "{step}");
        let after = rig.tagged(&mut client).await;
        assert_eq!(after, if is_found { rig.calls.to_string() } else { before }, "{step}");
    }
    rig.finish().await;
}

#[tokio::test]
async fn failed_writes_of_the_log_fail_their_calls_only() {
    let mut rig = Rig::start();
    let mut client = rig.server.client("dev").await;
    client.create(ec("sample", "P-256")).await.unwrap();
    for step in ["log-full", "log-unflushed"] {
        rig.update(&mut client).await.1.unwrap();
        std::fs::write(&rig.step, step).unwrap();
        let (failed, result) = rig.sign(&mut client).await;
        assert_eq!(result.unwrap_err().code(), tonic::Code::Unavailable, "{step}");
        std::fs::remove_file(&rig.step).unwrap();
        rig.sign(&mut client).await.1.unwrap();
        assert_eq!(rig.records_of(failed), 0, "{step}");

        // The change is in the database when the log fails. The next calls fail, and a crash loses nothing.
        std::fs::write(&rig.step, step).unwrap();
        let (changed, result) = rig.update(&mut client).await;
        result.unwrap();
        rig.sign(&mut client).await.1.unwrap_err();
        rig.server.kill();
        std::fs::remove_file(&rig.step).unwrap();
        rig.server.start_again();
        client = rig.server.client("dev").await;
        assert_eq!(rig.records_of(changed), 1, "{step}");
        assert_eq!(rig.tagged(&mut client).await, changed.as_u128().to_string(), "{step}");
    }
    rig.finish().await;
}
