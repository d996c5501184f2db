//! Tests two servers, and commands, on one data directory.

use std::collections::BTreeMap;
use std::path::Path;

use super::scenario::Calls;
use super::{healthz, refused_start};
use crate::support::{Server, strongroom};

/// The content of all files of a directory, by path.
pub(super) fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => left.push(entry),
                false => {
                    let bytes = std::fs::read(&entry).unwrap();
                    found.insert(entry.to_str().unwrap().to_owned(), bytes);
                }
            }
        }
    }
    found
}

#[tokio::test]
async fn second_server_on_a_data_directory_is_refused_with_the_process() {
    let server = Server::start();
    let mut calls = Calls::begin(&server).await;
    let (database, lock) = (server.directory().join("strongroom.db"), server.directory().join("lock"));
    let before = (std::fs::read(&database).unwrap(), std::fs::read(&lock).unwrap());
    let said = refused_start(&server.directory(), &[]);
    let process = format!("process {}", server.process_id());
    assert!(said.contains("is in use by another strongroom") && said.contains(&process), "{said}");
    assert_eq!((std::fs::read(&database).unwrap(), std::fs::read(&lock).unwrap()), before);
    assert_eq!(healthz(&server).await.0, 200);
    calls.create("after").await.unwrap();
    calls.assert_nothing_lost(&server).await;
}

#[tokio::test]
async fn audit_log_of_a_running_server_can_be_verified() {
    let server = Server::start();
    let mut calls = Calls::begin(&server).await;
    for _ in 0..5 {
        calls.sign().await.unwrap();
        let verified = strongroom()
            .arg("--data-dir")
            .arg(server.directory())
            .args(["audit", "verify"])
            .output()
            .unwrap();
        assert!(verified.status.success(), "{verified:?}");
    }
    calls.assert_nothing_lost(&server).await;
}
