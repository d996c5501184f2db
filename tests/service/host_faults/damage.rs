//! Tests damaged files of the data directory: the start is refused, and names the file.

use std::path::Path;

use super::refused_start;
use super::scenario::Calls;
use crate::support::Server;

/// Flips a bit in the middle of a file.
fn flip(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

#[tokio::test]
async fn start_with_a_damaged_file_is_refused_with_its_name() {
    let mut server = Server::start();
    let mut calls = Calls::begin(&server).await;
    for number in 0..10 {
        calls.create(&format!("key-{number}")).await.unwrap();
    }
    assert!(server.stop().success());
    let data = server.directory();
    let mut segments: Vec<_> =
        std::fs::read_dir(data.join("audit")).unwrap().map(|file| file.unwrap().path()).collect();
    segments.retain(|file| file.extension().is_some_and(|kind| kind == "jsonl"));
    segments.sort();
    let files = [
        (data.join("strongroom.db"), "strongroom.db is damaged"),
        (segments.pop().unwrap(), "audit"),
        (data.join("audit/head.json"), "audit"),
    ];
    for (file, says) in files {
        let intact = std::fs::read(&file).unwrap();
        flip(&file);
        let said = refused_start(&data, &[]);
        assert!(said.contains(says), "{}: {said}", file.display());
        std::fs::write(&file, intact).unwrap();
    }
    server.start_again();
    calls.connect(&server).await;
    calls.assert_nothing_lost(&server).await;
}
