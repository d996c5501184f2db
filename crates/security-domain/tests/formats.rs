//! Tests the documents: round trips, the error of each defect, and arbitrary input.

#![expect(clippy::unwrap_used, reason = "a test that cannot run has failed")]

mod common;

use common::{Holder, domain, holders, plaintexts};
use proptest::prelude::*;
use strongroom_security_domain::{
    Certificate, DownloadRequest, Error, MasterSecret, PrivateKey, SecurityDomain, TransferKey, Upload,
    WrappingKey,
};

/// Replaces one member of a JSON text.
fn with(text: &str, pointer: &str, value: serde_json::Value) -> String {
    let mut json: serde_json::Value = serde_json::from_str(text).unwrap();
    *json.pointer_mut(pointer).unwrap() = value;
    json.to_string()
}

fn member(text: &str, pointer: &str) -> serde_json::Value {
    serde_json::from_str::<serde_json::Value>(text).unwrap().pointer(pointer).unwrap().clone()
}

/// Changes a letter of the ciphertext of a JWE.
fn tampered(text: &str, pointer: &str) -> String {
    let jwe = member(text, pointer).as_str().unwrap().to_owned();
    let mut parts: Vec<String> = jwe.split('.').map(str::to_owned).collect();
    let first = if parts[3].starts_with('A') { "B" } else { "A" };
    parts[3].replace_range(..1, first);
    with(text, pointer, parts.join(".").into())
}

#[test]
fn every_quorum_recovers_the_master_secret() {
    let holders = holders();
    let (master, domain) = domain(&holders, 2);
    let domain = SecurityDomain::parse(&domain.to_text().unwrap()).unwrap();
    for pair in [[0, 1], [1, 0], [0, 2], [2, 1]] {
        let keys = pair.map(|index| holders[index].wrapping_key());
        let (recovered, data) = domain.open(&keys).unwrap();
        assert!(recovered == master && data == plaintexts());
    }
    let all: Vec<WrappingKey> = holders.iter().map(Holder::wrapping_key).collect();
    assert!(domain.recover(&all).unwrap() == master);
}

#[test]
fn unusable_keys_are_named() {
    let holders = holders();
    let (_, domain) = domain(&holders, 2);
    let [first, second] = [0, 1].map(|index| holders[index].wrapping_key());
    let thumbprint = first.certificate().thumbprint();
    let recover = |keys: &[WrappingKey]| domain.recover(keys).unwrap_err();
    assert_eq!(recover(&[second]), Error::TooFewShares { required: 2, given: 1 });
    assert_eq!(recover(&[first, holders[0].wrapping_key()]), Error::RepeatedCertificate(thumbprint));
    let foreign = Holder::new("foreign").wrapping_key();
    let foreign_thumbprint = foreign.certificate().thumbprint();
    assert_eq!(recover(&[holders[0].wrapping_key(), foreign]), Error::ForeignCertificate(foreign_thumbprint));
    let mismatch = WrappingKey::new(holders[0].certificate(), holders[1].private_key());
    assert_eq!(mismatch.unwrap_err(), Error::WrongPrivateKey(thumbprint));
}

#[test]
fn modified_files_are_rejected() {
    let holders = holders();
    let (_, domain) = domain(&holders, 2);
    let text = domain.to_text().unwrap();
    let keys = || [0, 1].map(|index| holders[index].wrapping_key());
    let thumbprint = holders[0].certificate().thumbprint();
    let recover = |text: &str| SecurityDomain::parse(text).unwrap().recover(&keys()).unwrap_err();

    let share = tampered(&text, "/SharedKeys/enc_shares/0/enc_key");
    assert_eq!(recover(&share), Error::ShareNotDecrypted(thumbprint));
    let data = tampered(&text, "/EncData/data/1/compact_jwe");
    assert_eq!(recover(&data), Error::DataNotDecrypted("base_enclave_backup".to_owned()));
    let renamed = with(&text, "/EncData/data/0/tag", "other".into());
    assert_eq!(recover(&renamed), Error::DataNotDecrypted("other".to_owned()));
    // The share of another security domain with the same certificates.
    let other = common::domain(&holders, 2).1.to_text().unwrap();
    let pointer = "/SharedKeys/enc_shares/0/enc_key";
    let replaced = recover(&with(&text, pointer, member(&other, pointer)));
    assert!(matches!(replaced, Error::DataNotDecrypted(_) | Error::InconsistentShares));
    // The share of the second certificate, encrypted for another key.
    let swapped = with(&text, pointer, member(&text, "/SharedKeys/enc_shares/1/enc_key"));
    assert_eq!(recover(&swapped), Error::ShareNotDecrypted(thumbprint));
}

#[test]
fn files_outside_of_the_format_are_rejected() {
    let text = domain(&holders(), 2).1.to_text().unwrap();
    for (pointer, value) in [
        ("/version", 1.into()),
        ("/SharedKeys/required", 1.into()),
        ("/SharedKeys/required", 4.into()),
        ("/SharedKeys/required", (-1).into()),
        ("/SharedKeys/key_algorithm", "xor".into()),
        ("/SharedKeys/enc_shares", serde_json::json!([])),
        ("/SharedKeys/enc_shares/0/x5t_256", "AAAA".into()),
        ("/SharedKeys/enc_shares/0/x5t_256", member(&text, "/SharedKeys/enc_shares/1/x5t_256")),
        ("/SharedKeys/enc_shares/0/enc_key", "a.b".into()),
        ("/EncData/kdf", "other".into()),
        ("/EncData/data", serde_json::json!([])),
        ("/EncData/data/0/tag", "base_enclave_backup".into()),
        ("/EncData/data/0/tag", "\u{1b}[2J".into()),
    ] {
        assert!(SecurityDomain::parse(&with(&text, pointer, value)).is_err(), "{pointer}");
    }
    let long = " ".repeat(1 << 20) + &text;
    assert!(matches!(SecurityDomain::parse(&long), Err(Error::TooLarge(_))));
}

#[test]
fn upload_is_opened_with_the_transfer_key_only() {
    let (holder, other) = (Holder::new("exchange"), Holder::new("other"));
    let key = TransferKey::parse(&TransferKey::new(holder.certificate()).to_text().unwrap()).unwrap();
    assert_eq!(key.certificate(), &holder.certificate());
    let text = Upload::seal(&plaintexts(), &key).unwrap().to_text().unwrap();
    let upload = Upload::parse(&text).unwrap();
    assert_eq!(upload.recipient(), holder.certificate().thumbprint());
    let open = |upload: &Upload, key: PrivateKey| {
        upload.open(|wrapped| key.unwrap_key(wrapped).ok_or(Error::WrappedKeyNotDecrypted))
    };
    assert_eq!(open(&upload, holder.private_key()).unwrap().data, plaintexts());
    assert_eq!(open(&upload, other.private_key()).unwrap_err(), Error::WrappedKeyNotDecrypted);
    let upload = Upload::parse(&tampered(&text, "/WrappedKey/enc_key")).unwrap();
    assert_eq!(open(&upload, holder.private_key()).unwrap_err(), Error::WrappedKeyNotDecrypted);
}

#[test]
fn transfer_key_is_json_in_a_string() {
    let text = TransferKey::new(Holder::new("exchange").certificate()).to_text().unwrap();
    assert!(
        member(&text, "/transfer_key").as_str().unwrap().starts_with(r#"{"alg":"RSA-OAEP-256","e":"AQAB""#)
    );
    assert!(TransferKey::parse(&with(&text, "/transfer_key", serde_json::json!({}))).is_err());
    assert!(TransferKey::parse(&with(&text, "/key_format", "pem".into())).is_err());
}

#[test]
fn download_request_must_match_its_certificates() {
    let holders = holders();
    let text = common::download_request(&holders, 2);
    let thumbprint = holders[0].certificate().thumbprint();
    assert_eq!(DownloadRequest::parse(&text).unwrap().certificates().len(), 3);
    for name in ["kty", "alg", "n", "e", "x5t", "x5t#S256"] {
        let pointer = format!("/certificates/0/{name}");
        let error = DownloadRequest::parse(&with(&text, &pointer, "AAAA".into())).unwrap_err();
        assert_eq!(error, Error::CertificateMismatch { thumbprint, member: name });
    }
    let repeated = with(&text, "/certificates/1", member(&text, "/certificates/0"));
    assert_eq!(DownloadRequest::parse(&repeated).unwrap_err(), Error::DuplicateCertificate(thumbprint));
    let no_certificate = with(&text, "/certificates/0/x5c", serde_json::json!(["AAAA"]));
    assert_eq!(DownloadRequest::parse(&no_certificate).unwrap_err(), Error::NotACertificate);
    for quorum in [0, 1, 4, 11] {
        assert!(DownloadRequest::parse(&with(&text, "/required", quorum.into())).is_err());
    }
    for count in [0, 2, 11] {
        let all = vec![member(&text, "/certificates/0"); count];
        assert!(matches!(
            DownloadRequest::parse(&with(&text, "/certificates", all.into())),
            Err(Error::Invalid { .. })
        ));
    }
}

#[test]
fn certificates_without_a_strong_rsa_key_are_rejected() {
    let ec = rcgen::generate_simple_self_signed(["ec".to_owned()]).unwrap().cert;
    assert!(matches!(Certificate::from_pem(&ec.pem()), Err(Error::UnsupportedCertificate(_))));
    for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"] {
        assert_eq!(Certificate::from_pem(text), Err(Error::NotACertificate));
    }
}

#[test]
fn debug_output_contains_no_secret() {
    let holders = holders();
    let master = MasterSecret::generate().unwrap();
    let key = holders[0].wrapping_key();
    assert_eq!(format!("{master:?}"), "MasterSecret");
    assert!(format!("{key:?}").contains("key: PrivateKey }"));
    assert_eq!(format!("{:?}", plaintexts()[0]), "Datum(hsm_backup, 3000 bytes)");
}

proptest! {
    #[test]
    fn parsers_accept_any_text_without_panic(text in "\\PC{0,200}", json in any_json()) {
        for text in [text, json] {
            let _ = SecurityDomain::parse(&text);
            let _ = Upload::parse(&text);
            let _ = TransferKey::parse(&text);
            let _ = DownloadRequest::parse(&text);
            let _ = Certificate::from_pem(&text);
            let _ = PrivateKey::from_pem(&text, Some(b"x"));
        }
    }

    #[test]
    fn der_parsers_accept_any_bytes_without_panic(bytes: Vec<u8>) {
        let _ = Certificate::from_der(&bytes);
        let _ = PrivateKey::from_pkcs8(&bytes);
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &bytes);
        for label in ["CERTIFICATE", "PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
            let pem = format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n");
            let _ = Certificate::from_pem(&pem);
            let _ = PrivateKey::from_pem(&pem, Some(b"x"));
        }
    }
}

/// JSON with the members of the documents, and arbitrary values.
fn any_json() -> impl Strategy<Value = String> {
    let text = "[A-Za-z0-9_.-]{0,30}";
    (text, text, text, 0..12_u32, 0..12_usize).prop_map(|(a, b, c, number, count)| {
        let share = serde_json::json!({ "enc_key": a, "x5t_256": b });
        serde_json::json!({
            "EncData": { "data": [{ "compact_jwe": a, "tag": b }], "kdf": "sp108_kdf" },
            "SharedKeys": { "enc_shares": vec![&share; count], "key_algorithm": "shamir_share", "required": number },
            "WrappedKey": share,
            "version": 2,
            "key_format": "jwk",
            "transfer_key": c,
            "certificates": vec![serde_json::json!({ "kty": "RSA", "n": a, "e": b, "x5c": [c] }); count],
            "required": number,
        })
        .to_string()
    })
}
