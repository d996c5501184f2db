//! Tests ambiguous commits: a flush fails after the write-ahead log is written, so a failed COMMIT may take effect.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;

use crate::support::{Server, ec};

/// Compiles a library that injects failures, into a directory.
pub(crate) fn compile_fault_library(directory: &std::path::Path, source: &str) -> PathBuf {
    let library = directory.join("faults.so");
    let source = format!("{}/tests/service/fault_injection/{source}", env!("CARGO_MANIFEST_DIR"));
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    let output = compiler.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

async fn sign(server: &Server, name: &str) -> Result<(), tonic::Status> {
    let request = pb::SignRequest {
        name: format!("hsms/local/keys/{name}"),
        algorithm: "ES256".to_owned(),
        digest: vec![7; 32],
    };
    server.client("dev").await.crypto.sign(request).await.map(drop)
}

#[tokio::test]
async fn ambiguous_commit_keeps_key_material() {
    let directory = tempfile::tempdir().unwrap();
    let library = compile_fault_library(directory.path(), "failing_flush.c");
    let armed = directory.path().join("armed");
    let environment = [("LD_PRELOAD", library.to_str().unwrap()), ("FLUSH_FAULT", armed.to_str().unwrap())];
    let mut server = Server::start_with(&[], &environment);
    let mut dev = server.client("dev").await;
    dev.create(ec("before", "P-256")).await.unwrap();
    std::fs::write(&armed, "").unwrap();
    // The process ends during this call.
    dev.create(ec("ambiguous", "P-256")).await.unwrap_err();
    let started = Instant::now();
    while server.is_running() {
        assert!(started.elapsed() < Duration::from_secs(20), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.kill();
    std::fs::remove_file(&armed).unwrap();
    server.start_again();

    // Recovery of the write-ahead log finds the committed row.
    let mut dev = server.client("dev").await;
    let get = pb::GetKeyRequest { name: "hsms/local/keys/ambiguous".to_owned() };
    dev.keys.get_key(get).await.unwrap();
    sign(&server, "ambiguous").await.unwrap();
    sign(&server, "before").await.unwrap();
    assert!(!server.log().contains("does not hold this key version"), "{}", server.log());
}
