//! Tests full backups to a container that is accessed with the managed identity of the machine.

use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::tempdir;

use super::Cli;
use crate::identity_storage::{CLIENT_ID, IdentityStorage, TOKEN};
use crate::support::Server;

/// How long a job without an access token may last.
const LIMIT: Duration = Duration::from_secs(10);

fn cli(storage: &IdentityStorage) -> Cli {
    let environment = [
        ("STRONGROOM_BACKUP__MANAGED_IDENTITY_ENDPOINT", storage.endpoint().as_str()),
        ("STRONGROOM_BACKUP__MANAGED_IDENTITY_CLIENT_ID", CLIENT_ID),
        ("STRONGROOM_LOG__FILTER", "debug"),
        // Nothing listens there: a request that is sent to it fails.
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("http_proxy", "http://127.0.0.1:1"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Cli { server: Server::start_with(&[], &environment), directory: tempdir().unwrap() }
}

/// Asserts that no file in a directory contains the access token.
fn assert_without_token(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_without_token(&path);
        } else if path.is_file() {
            let content = std::fs::read(&path).unwrap();
            let found = content.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn backup_and_restore_use_the_managed_identity() {
    let storage = IdentityStorage::start();
    let cli = cli(&storage);
    cli.ok("key create invoices --kty EC");
    let uri = storage.uri();
    cli.ok(&format!("backup check --storage {uri} --use-managed-identity"));
    assert_eq!(storage.blobs(), Vec::<String>::new());
    let text = cli.ok(&format!("backup start --storage {uri} --use-managed-identity"));
    let folder = text.lines().last().unwrap();
    let path = folder.strip_prefix(&uri).unwrap();
    assert_eq!(storage.blobs(), [format!("/devstoreaccount1/backups{path}/strongroom.backup")]);

    cli.ok(&format!("restore check --storage {folder} --use-managed-identity"));
    cli.ok("key delete invoices");
    cli.ok("key purge invoices");
    cli.ok(&format!("restore key invoices --storage {folder} --use-managed-identity"));
    cli.ok("key show invoices");
    cli.ok("key create later --kty EC");
    cli.ok(&format!("restore start --storage {folder} --use-managed-identity"));
    cli.ok("key show invoices");
    cli.fails("key show later");
    // Each job requests one access token.
    assert_eq!(storage.issued(), 5);

    assert!(!cli.server.log().contains(TOKEN));
    assert_without_token(cli.server.directory().parent().unwrap());
}

#[test]
fn failures_without_access_name_their_cause_within_seconds() {
    let storage = IdentityStorage::start();
    let cli = cli(&storage);
    let line = format!("backup start --storage {} --use-managed-identity", storage.uri());
    let fails = |causes: &[&str]| {
        let started = Instant::now();
        let failure = cli.fails(&line);
        assert!(causes.iter().all(|cause| failure.contains(cause)) && !failure.contains(TOKEN), "{failure}");
        assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    };

    let body = "<?xml?><Error><Code>AuthorizationPermissionMismatch</Code></Error>";
    storage.refuse_access("403 Forbidden", body);
    fails(&["the storage refuses access to strongroom.backup: HTTP 403 AuthorizationPermissionMismatch"]);

    let accesses = storage.accesses();
    let body = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    storage.refuse_tokens("400 Bad Request", body);
    let refused = "the managed identity endpoint issues no access token: ";
    fails(&[refused, "400 Bad Request", "Identity not found"]);

    storage.refuse_tokens("503 Service Unavailable", "");
    fails(&[refused, "503 Service Unavailable"]);

    storage.close_endpoint();
    fails(&[refused, "Connection refused"]);
    assert_eq!(storage.accesses(), accesses);
    assert!(!cli.server.log().contains(TOKEN));
}
