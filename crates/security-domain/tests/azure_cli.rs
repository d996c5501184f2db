//! Tests the documents against azure-cli's own code, in both directions. The command line that `tests/clients/az` pins is
//! installed if it is missing, as for the tests of clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot run has failed")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Holder, domain, holders, plaintexts};
use strongroom_security_domain::{
    Certificate, DownloadRequest, Error, PrivateKey, SecurityDomain, TransferKey, Upload, WrappingKey,
};

/// The directory of one test, with the keys of the holders.
struct Exchange {
    directory: tempfile::TempDir,
    holders: Vec<Holder>,
}

impl Exchange {
    fn new() -> Self {
        let exchange = Self { directory: tempfile::tempdir().unwrap(), holders: holders() };
        for (name, holder) in ["a", "b", "c"].into_iter().zip(&exchange.holders) {
            exchange.write(&format!("{name}.cer"), &holder.certificate);
            exchange.write(&format!("{name}.pem"), &holder.key);
        }
        exchange
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs a step of `azure_cli.py`.
    fn azure_cli(&self, step: &str) {
        let output = Command::new(python())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/azure_cli.py"))
            .arg(step)
            .arg(self.directory.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{step}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Encrypts a private key with the passphrase `pass`, as `openssl req -newkey` does.
fn encrypt(exchange: &Exchange, name: &str) {
    let (plain, encrypted) = (exchange.path(name), exchange.path("encrypted"));
    let status = Command::new("openssl")
        .args(["pkcs8", "-topk8", "-passout", "pass:pass", "-in"])
        .arg(&plain)
        .arg("-out")
        .arg(&encrypted)
        .status()
        .unwrap();
    assert!(status.success());
    std::fs::rename(encrypted, plain).unwrap();
}

/// The Python of the installed command line. Other packages' tests share the installation and its lock.
fn python() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("az-clients");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/az-clients.sh");
    let lock = std::fs::File::create(directory.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let status = Command::new(&script).arg(&directory).stdin(Stdio::null()).status().unwrap();
    assert!(status.success(), "{} failed", script.display());
    directory.join("bin/python")
}

#[test]
fn download_request_of_azure_cli_is_accepted() {
    let exchange = Exchange::new();
    exchange.azure_cli("download");
    let request = DownloadRequest::parse(&exchange.read("download.json")).unwrap();
    let expected: Vec<Certificate> = exchange.holders.iter().map(Holder::certificate).collect();
    assert_eq!((request.certificates(), request.quorum()), (&expected[..], 2));
}

#[test]
fn file_of_azure_cli_is_recovered() {
    let exchange = Exchange::new();
    exchange.azure_cli("seal");
    let domain = SecurityDomain::parse(&exchange.read("domain.json")).unwrap();
    let keys: Vec<WrappingKey> = exchange.holders.iter().skip(1).map(Holder::wrapping_key).collect();
    let (master, data) = domain.open(&keys).unwrap();
    let hex: String = master.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((hex, data), (exchange.read("master.hex"), plaintexts()));
}

#[test]
fn azure_cli_restores_our_file_and_we_open_its_blob() {
    let exchange = Exchange::new();
    encrypt(&exchange, "a.pem");
    let (_, domain) = domain(&exchange.holders, 2);
    exchange.write("domain.json", &domain.to_text().unwrap());
    let recipient = Holder::new("exchange");
    exchange.write("transfer.json", &TransferKey::new(recipient.certificate()).to_text().unwrap());
    exchange.azure_cli("restore");
    // The exchange key in the form in which azure-cli stores it.
    let stored = TransferKey::from_pem(&exchange.read("exchange.pem")).unwrap();
    assert_eq!(stored.certificate(), &recipient.certificate());
    let upload = Upload::parse(&exchange.read("blob.json")).unwrap();
    assert_eq!(upload.recipient(), recipient.certificate().thumbprint());
    let key = recipient.private_key();
    let opened = upload.open(|wrapped| key.unwrap_key(wrapped).ok_or(Error::WrappedKeyNotDecrypted));
    assert_eq!(opened.unwrap().data, plaintexts());
}

#[test]
fn azure_cli_opens_our_blob() {
    let exchange = Exchange::new();
    let recipient = Holder::new("exchange");
    exchange.write("exchange.key", &recipient.key);
    let upload = Upload::seal(&plaintexts(), &TransferKey::new(recipient.certificate())).unwrap();
    exchange.write("blob.json", &upload.to_text().unwrap());
    exchange.azure_cli("open");
}

#[test]
fn private_keys_are_read_in_all_forms() {
    let exchange = Exchange::new();
    let holder = &exchange.holders[0];
    let public = |text: &str, passphrase: Option<&[u8]>| {
        PrivateKey::from_pem(text, passphrase).and_then(|key| WrappingKey::new(holder.certificate(), key))
    };
    public(&holder.key, None).unwrap();
    let status = Command::new("openssl")
        .args(["rsa", "-traditional", "-in"])
        .arg(exchange.path("a.pem"))
        .arg("-out")
        .arg(exchange.path("pkcs1.pem"))
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let pkcs1 = exchange.read("pkcs1.pem");
    assert!(pkcs1.contains("BEGIN RSA PRIVATE KEY"));
    public(&pkcs1, None).unwrap();
    encrypt(&exchange, "a.pem");
    let encrypted = exchange.read("a.pem");
    public(&encrypted, Some(b"pass")).unwrap();
    assert_eq!(public(&encrypted, None).unwrap_err(), Error::PassphraseRequired);
    assert_eq!(public(&encrypted, Some(b"other")).unwrap_err(), Error::PrivateKeyNotDecrypted);
    assert_eq!(public("", None).unwrap_err(), Error::NotAPrivateKey);
}
