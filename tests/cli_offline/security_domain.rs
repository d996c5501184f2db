//! Tests `strongroom security-domain` with files that azure-cli made.

use std::path::Path;

use strongroom::security_domain::{Error, PrivateKey, Upload};

use super::{output, strongroom};

/// A directory with the files of azure-cli: `domain.json`, the private keys `a.pem` (passphrase `pass`) and `c.pem` with
/// their certificates, and the exchange key.
fn files() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir("crates/security-domain/tests/vectors").unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), directory.path().join(entry.file_name())).unwrap();
    }
    directory
}

fn run(directory: &Path, line: &str) -> (i32, String, String) {
    output(strongroom(directory).arg("security-domain").args(line.split(' ')))
}

/// Runs `restore-blob` with these options besides the files.
fn restore(directory: &Path, options: &str) -> (i32, String) {
    let files = "--sd-file domain.json --sd-exchange-key exchange.pem --sd-file-restore-blob new.json";
    let (code, stdout, stderr) = run(directory, &format!("restore-blob {files} {options}"));
    assert_eq!(stdout, "");
    assert_eq!(directory.join("new.json").exists(), code == 0, "{stderr}");
    (code, stderr)
}

#[test]
fn inspect_prints_quorum_and_certificates() {
    let directory = files();
    let (code, stdout, _) = run(directory.path(), "inspect domain.json");
    assert_eq!(code, 0);
    assert!(stdout.starts_with("version 2\n2 of 3 private keys restore it\ncertificate "), "{stdout}");
    assert!(stdout.ends_with("data hsm_backup\ndata base_enclave_backup\ndata partition_enclave_backup\n"));
    let (_, json, _) = run(directory.path(), "inspect domain.json --output json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["version"], &json["quorum"]), (&2.into(), &2.into()));
    assert_eq!(json["certificates"].as_array().unwrap().len(), 3);
}

#[test]
fn inspect_rejects_other_files() {
    let directory = files();
    for file in ["a.pem", "blob.json", "missing.json"] {
        let (code, stdout, stderr) = run(directory.path(), &format!("inspect {file}"));
        assert_eq!((code, stdout.as_str()), (1, ""));
        assert!(stderr.starts_with(&format!("error: {file}: ")), "{stderr}");
    }
}

#[test]
fn restore_blob_is_opened_with_the_exchange_key() {
    let directory = files();
    let (code, stderr) = restore(directory.path(), "--sd-wrapping-keys a.pem c.pem --passwords pass");
    assert_eq!((code, stderr.as_str()), (0, ""));
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    let upload = Upload::parse(&read("new.json")).unwrap();
    let key = PrivateKey::from_pem(&read("exchange.key"), None).unwrap();
    let opened = upload.open(|wrapped| key.unwrap_key(wrapped).ok_or(Error::WrappedKeyNotDecrypted)).unwrap();
    assert_eq!(opened.data[0].plaintext[..], [7; 3000]);
}

#[test]
fn restore_blob_names_the_private_key_at_fault() {
    let directory = files();
    std::fs::copy(directory.path().join("c.pem"), directory.path().join("other.pem")).unwrap();
    std::fs::copy(directory.path().join("a.cer"), directory.path().join("other.cer")).unwrap();
    std::fs::copy(directory.path().join("c.pem"), directory.path().join("alone.pem")).unwrap();
    std::fs::copy(directory.path().join("exchange.key"), directory.path().join("exchange2.pem")).unwrap();
    std::fs::copy(directory.path().join("exchange.pem"), directory.path().join("exchange2.cer")).unwrap();
    for (options, parts) in [
        ("--sd-wrapping-keys c.pem", &["1 private keys were given, but the quorum is 2"][..]),
        ("--sd-wrapping-keys a.pem c.pem", &["a.pem: the private key is encrypted"]),
        ("--sd-wrapping-keys a.pem c.pem --passwords wrong", &["a.pem: ", "wrong passphrase"]),
        (
            "--sd-wrapping-keys c.pem other.pem",
            &["other.pem: the private key does not belong to certificate"],
        ),
        (
            "--sd-wrapping-keys c.pem alone.pem",
            &["alone.cer: ", "of alone.pem must be in the same directory"],
        ),
        ("--sd-wrapping-keys c.pem c.pem", &["given twice", "the certificate of c.pem"]),
        (
            "--sd-wrapping-keys c.pem exchange2.pem",
            &["has no share for certificate", "the certificate of exchange2.pem"],
        ),
    ] {
        let (code, stderr) = restore(directory.path(), options);
        assert_eq!(code, 1, "{options}: {stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{options}: {stderr}");
    }
    let (code, _) = restore(directory.path(), "--sd-wrapping-keys c.pem --passwords one two");
    assert_eq!(code, 2);
}
