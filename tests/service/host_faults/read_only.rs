//! Tests a read-only file system under the database and the audit log.

use super::scenario::Calls;
use super::{errors_with, refused_start, storage_fault, wait_for_health};

#[tokio::test]
async fn read_only_data_directory_refuses_calls_until_it_is_writable() {
    let fault = storage_fault();
    let mut server = fault.start();
    let mut calls = Calls::begin(&server).await;
    let read_only = format!("EROFS {}", server.directory().display());
    fault.set(&read_only);
    // The incomplete record cannot be removed from the file, so that the first call has no certain outcome.
    let first = calls.sign().await.unwrap_err();
    assert!(first.message().contains("the file system is read-only"), "{first:?}");
    calls.assert_refused("the file system is read-only").await;
    let health = wait_for_health(&server, 503).await;
    assert_eq!(
        health["failing"][0]["detail"],
        "the audit log cannot be written: the file system is read-only"
    );
    assert_eq!(errors_with(&server, "read-only"), 1, "{}", server.log());
    fault.clear();
    wait_for_health(&server, 200).await;
    calls.wait_until_served(&server).await;
    calls.assert_nothing_lost(&server).await;

    assert!(server.stop().success());
    fault.set(&read_only);
    let said = refused_start(&server.directory(), &fault.environment());
    assert!(said.contains("Read-only file system"), "{said}");
    assert!(said.contains(server.directory().to_str().unwrap()), "{said}");
    fault.clear();
    server.start_again();
    calls.connect(&server).await;
    calls.assert_nothing_lost(&server).await;
}

#[tokio::test]
async fn read_only_database_refuses_changes_and_starts() {
    let fault = storage_fault();
    let mut server = fault.start();
    let mut calls = Calls::begin(&server).await;
    let read_only = format!("EROFS {}", server.directory().join("strongroom.db").display());
    fault.set(&read_only);
    let refused = calls.create("refused").await.unwrap_err();
    assert!(refused.message().contains("the database cannot be written"), "{refused:?}");
    let health = wait_for_health(&server, 503).await;
    assert!(
        health["failing"][0]["detail"].as_str().unwrap().starts_with("the database cannot be written"),
        "{health}"
    );
    fault.clear();
    wait_for_health(&server, 200).await;
    calls.create("after").await.unwrap();
    assert!(server.stop().success());
    fault.set(&read_only);
    let said = refused_start(&server.directory(), &fault.environment());
    assert!(said.contains("strongroom.db"), "{said}");
    fault.clear();
    server.start_again();
    calls.connect(&server).await;
    calls.assert_nothing_lost(&server).await;
}
