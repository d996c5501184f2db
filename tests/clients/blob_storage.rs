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
use crate::support::Server;

/// The account of every Azurite, with its published key.
/// <https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key>
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// An emulator with a container.
struct Azurite {
    process: Child,
    container: String,
    signature: String,
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
        let container = format!("{endpoint}/{ACCOUNT}/backups");
        let signature = shared_access_signature();
        let create = reqwest::Client::new().put(format!("{container}?restype=container&{signature}"));
        let created = create.header("content-length", "0").send().await.unwrap();
        assert_eq!(created.status(), 201, "{created:?}");
        Self { process, container, signature, _data: data }
    }

    /// Starts a server that may use this storage.
    fn server() -> Server {
        Server::start_with(&[], &[("STRONGROOM_BACKUP__HOSTS", "[\"127.0.0.1\"]")])
    }

    fn environment(&self) -> [(&'static str, String); 2] {
        [("BLOB_CONTAINER_URL", self.container.clone()), ("BLOB_SAS_TOKEN", self.signature.clone())]
    }
}

/// Signs a token for all operations of the account.
/// <https://learn.microsoft.com/rest/api/storageservices/create-account-sas>
fn shared_access_signature() -> String {
    let (version, permissions, services, types) = ("2021-08-06", "rwdlac", "b", "sco");
    let (expiry, protocols) = ("2099-01-01T00:00:00Z", "https,http");
    let fields = [ACCOUNT, permissions, services, types, "", expiry, "", protocols, version, ""];
    let text = fields.map(|field| format!("{field}\n")).concat();
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(ACCOUNT_KEY).unwrap()).unwrap();
    mac.update(text.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let parameters = [
        ("sv", version),
        ("ss", services),
        ("srt", types),
        ("sp", permissions),
        ("se", expiry),
        ("spr", protocols),
        ("sig", &signature),
    ];
    let escaped = |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    parameters.map(|(name, value)| format!("{name}={}", escaped(value))).join("&")
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
    assert_no_signature(&server, &storage);
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn az_backs_up_and_restores_an_hsm() {
    let (storage, server) = (Azurite::start().await, Azurite::server());
    az::run_script_on(&server, "backup.sh", &storage.environment());
    assert_no_signature(&server, &storage);
}

/// The signature is neither in the log nor in a file of the server.
fn assert_no_signature(server: &Server, storage: &Azurite) {
    let (_, signature) = storage.signature.rsplit_once("sig=").unwrap();
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
