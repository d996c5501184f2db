//! Tests full backups to Azure Blob Storage, with Microsoft's clients and its emulator Azurite.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tempfile::TempDir;

use super::sandbox::{environment, install_clients};
use super::{az, python};
use crate::support::{Server, strongroom};

/// The account of every Azurite, with its published key.
/// <https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key>
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

const CONTAINER: &str = "backups";
const VERSION: &str = "2021-08-06";
const EXPIRY: &str = "2099-01-01T00:00:00Z";
const PROTOCOLS: &str = "https,http";

/// The permissions that `docs/backup.md` names.
const PERMISSIONS: &str = "rw";

/// An emulator with a container.
struct Azurite {
    process: Child,
    container: String,
    _data: TempDir,
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Azurite {
    async fn start() -> Self {
        let clients = install_clients("javascript");
        let data = tempfile::tempdir().unwrap();
        let mut process = Command::new(clients.join("bin/node"))
            .arg(clients.join("node_modules/azurite/dist/src/blob/main.js"))
            .args([
                "--silent",
                "--disableTelemetry",
                "--skipApiVersionCheck",
                "--blobPort",
                "0",
                "--location",
            ])
            .arg(data.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let ready = output.lines().map(|line| line.unwrap()).find(|line| line.contains("listens on"));
        let endpoint = ready.unwrap().rsplit(' ').next().unwrap().to_owned();
        let container = format!("{endpoint}/{ACCOUNT}/{CONTAINER}");
        let create = format!("{container}?restype=container&{}", account_signature());
        let create = reqwest::Client::new().put(create);
        let created = create.header("content-length", "0").send().await.unwrap();
        assert_eq!(created.status(), 201, "{created:?}");
        Self { process, container, _data: data }
    }

    /// Starts a server that may use this storage.
    fn server() -> Server {
        Server::start_with(&[], &[("STRONGROOM_BACKUP__HOSTS", "[\"127.0.0.1\"]")])
    }

    fn environment(&self) -> [(&'static str, String); 2] {
        let signature = container_signature(PERMISSIONS);
        [("BLOB_CONTAINER_URL", self.container.clone()), ("BLOB_SAS_TOKEN", signature)]
    }

    /// The names of the blobs in the container, and of those that have uncommitted blocks only.
    async fn blobs(&self) -> (Vec<String>, Vec<String>) {
        let list = format!("{}?restype=container&comp=list", self.container);
        let names = async |option: &str| {
            let list = reqwest::get(format!("{list}{option}&{}", container_signature("l"))).await.unwrap();
            let list = list.text().await.unwrap();
            let names = list.split("<Name>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        let committed = names("").await;
        let mut others = names("&include=uncommittedblobs").await;
        others.retain(|name| !committed.contains(name));
        (committed, others)
    }
}

/// Signs a token to list and create containers of the account.
/// <https://learn.microsoft.com/rest/api/storageservices/create-account-sas>
fn account_signature() -> String {
    let (permissions, services, types) = ("cl", "b", "c");
    let fields = [ACCOUNT, permissions, services, types, "", EXPIRY, "", PROTOCOLS, VERSION, ""];
    signed(
        &fields.map(|field| format!("{field}\n")).concat(),
        &[("sp", permissions), ("ss", services), ("srt", types)],
    )
}

/// Signs a token for the container and the blobs in it.
/// <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>
fn container_signature(permissions: &str) -> String {
    let resource = format!("/blob/{ACCOUNT}/{CONTAINER}");
    let fields =
        [permissions, "", EXPIRY, &resource, "", "", PROTOCOLS, VERSION, "c", "", "", "", "", "", "", ""];
    signed(&fields.join("\n"), &[("sp", permissions), ("sr", "c")])
}

/// A query with the signature of a text.
fn signed(text: &str, parameters: &[(&str, &str)]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(ACCOUNT_KEY).unwrap()).unwrap();
    mac.update(text.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let common = [("sv", VERSION), ("se", EXPIRY), ("spr", PROTOCOLS), ("sig", &signature)];
    let escaped = |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let all = parameters.iter().chain(&common);
    all.map(|(name, value)| format!("{name}={}", escaped(value))).collect::<Vec<_>>().join("&")
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn backup_client_works() {
    let (storage, server) = (Azurite::start().await, Azurite::server());
    let mut environment = environment(&server).await;
    environment.extend(storage.environment());
    for flavour in ["sync", "async"] {
        python::run_on(&server, environment.clone(), "backup", flavour);
    }
    assert_no_signature(&server, &container_signature(PERMISSIONS));
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn az_backs_up_and_restores_an_hsm() {
    let (storage, server) = (Azurite::start().await, Azurite::server());
    az::run_script_on(&server, "backup.sh", &storage.environment());
    assert_no_signature(&server, &container_signature(PERMISSIONS));
}

/// Runs a command with a signature. Returns its exit code and output, which do not contain the signature.
fn run(server: &Server, command: &[&str], signature: &str) -> (i32, String, String) {
    let mut program = strongroom();
    let program = program.args(command).env("STRONGROOM_DATA_DIR", server.directory());
    let output = program.env("STRONGROOM_STORAGE_TOKEN", signature).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    let (_, secret) = signature.rsplit_once("sig=").unwrap();
    assert!(!out.contains(secret) && !err.contains(secret), "{command:?}: {out}{err}");
    (output.status.code().unwrap(), out, err)
}

/// Backups require to write, and restores to read; nothing requires to create, to list or to delete. A job with another
/// signature fails, and names the answer of the storage.
#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn jobs_require_the_documented_permissions_only() {
    let (storage, server) = (Azurite::start().await, Azurite::server());
    let [read, write, others] = ["r", "w", "dlac"].map(container_signature);
    let forged = write.replace("sig=", "sig=AAAA");
    let succeeds = |command: &[&str], signature: &str| {
        let (code, out, err) = run(&server, command, signature);
        assert_eq!((code, err.as_str()), (0, ""), "{command:?}: {out}");
        out
    };
    let fails = |command: &[&str], signature: &str, named: &str| {
        let (code, out, err) = run(&server, command, signature);
        assert_eq!((code, out.as_str()), (1, ""), "{command:?}: {err}");
        assert!(err.contains("the storage refuses access to ") && err.trim_end().ends_with(named), "{err}");
        err
    };
    let mismatch = ": HTTP 403 AuthorizationPermissionMismatch";
    for name in ["first", "second"] {
        succeeds(&["key", "create", name, "--kty", "EC"], &write);
    }

    let (check, start) = (["backup", "check", "--storage"], ["backup", "start", "--storage"]);
    let [check, start] = [check, start].map(|command| [&command[..], &[storage.container.as_str()]].concat());
    for command in [&check, &start] {
        for signature in [&read, &others] {
            fails(command, signature, mismatch);
        }
    }
    // Azure answers `AuthenticationFailed`.
    fails(&start, &forged, ": HTTP 403 AuthorizationFailure");
    assert_eq!(storage.blobs().await, (vec![], vec![]));
    succeeds(&check, &write);
    // Azure Blob Storage does not list the block that the check sends, and discards it later.
    let (blobs, uncommitted) = storage.blobs().await;
    assert!(blobs.is_empty() && uncommitted.iter().all(|name| name.ends_with(".check")), "{uncommitted:?}");
    assert_eq!(uncommitted.len(), 1);
    let job = succeeds(&start, &write);
    let folder = job.trim_end().rsplit('\n').next().unwrap();
    let object = format!("{}/strongroom.backup", folder.rsplit('/').next().unwrap());
    assert_eq!(storage.blobs().await.0, [object]);

    succeeds(&["key", "delete", "first"], &read);
    succeeds(&["key", "purge", "first"], &read);
    let commands: [&[&str]; 3] = [&["restore", "check"], &["restore", "key", "first"], &["restore", "start"]];
    for command in commands {
        let command = [command, &["--storage", folder]].concat();
        for signature in [&write, &others] {
            fails(&command, signature, mismatch);
        }
        succeeds(&command, &read);
        succeeds(&["key", "show", "second"], &read);
    }
    succeeds(&["key", "show", "first"], &read);
    for signature in [&read, &write, &others, &forged] {
        assert_no_signature(&server, signature);
    }
}

/// The signature is neither in the log nor in a file of the server.
fn assert_no_signature(server: &Server, signature: &str) {
    let (_, signature) = signature.rsplit_once("sig=").unwrap();
    assert!(!server.log().contains(signature));
    let mut directories = vec![server.directory().to_owned()];
    let mut files = 0;
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap()) {
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
            } else if let Ok(content) = std::fs::read(entry.path()) {
                let found = content.windows(signature.len()).any(|window| window == signature.as_bytes());
                assert!(!found, "{}", entry.path().display());
                files += 1;
            }
        }
    }
    assert!(files > 5);
}
