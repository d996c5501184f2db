//! Tests documents that azure-cli 2.91 made (`tests/vectors`), for runs without Python. They were made with the steps
//! `seal` and `restore` of `azure_cli.py`; `a.pem` has the passphrase `pass`.

#![expect(clippy::unwrap_used, reason = "a test that cannot run has failed")]

mod common;

use std::path::Path;

use common::plaintexts;
use strongroom_security_domain::{
    Certificate, Error, PrivateKey, SecurityDomain, TransferKey, Upload, WrappingKey,
};

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name)).unwrap()
}

fn wrapping_key(name: &str, passphrase: Option<&[u8]>) -> WrappingKey {
    let certificate = Certificate::from_pem(&read(&format!("{name}.cer"))).unwrap();
    WrappingKey::new(certificate, PrivateKey::from_pem(&read(&format!("{name}.pem")), passphrase).unwrap())
        .unwrap()
}

#[test]
fn recovers_a_stored_file_of_azure_cli() {
    let domain = SecurityDomain::parse(&read("domain.json")).unwrap();
    let keys = [wrapping_key("c", None), wrapping_key("a", Some(b"pass"))];
    let (master, data) = domain.open(&keys).unwrap();
    let hex: String = master.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((hex, data), (read("master.hex"), plaintexts()));
    // Parsing keeps everything: the text is the same but for white space.
    let [ours, theirs] = [domain.to_text().unwrap(), read("domain.json")]
        .map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap());
    assert_eq!(ours, theirs);
}

#[test]
fn opens_a_stored_blob_of_azure_cli() {
    let upload = Upload::parse(&read("blob.json")).unwrap();
    let transfer_key = TransferKey::from_pem(&read("exchange.pem")).unwrap();
    assert_eq!(upload.recipient(), transfer_key.certificate().thumbprint());
    let key = PrivateKey::from_pem(&read("exchange.key"), None).unwrap();
    let opened = upload.open(|wrapped| key.unwrap_key(wrapped).ok_or(Error::WrappedKeyNotDecrypted));
    assert_eq!(opened.unwrap().data, plaintexts());
}
