//! Files of PKCS#12, read and written by OpenSSL.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_certificate::{Bundle, Error};
use strongroom_model::certificate::ContentType;

use crate::kit::{Chain, KEY_TYPES, OpenSsl, thumbprints};

const RANDOM: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// Writes the key and the certificates of a chain for `openssl pkcs12 -export`.
fn prepare(options: &[&str]) -> (OpenSsl, Chain) {
    let openssl = OpenSsl::new();
    let chain = Chain::new(&openssl, options);
    openssl.write("bundle.pem", &*chain.bundle().to_pem().unwrap());
    (openssl, chain)
}

#[test]
fn files_of_openssl_are_read_with_every_cipher() {
    let (openssl, chain) = prepare(KEY_TYPES[1].1);
    let expected = thumbprints(chain.bundle().certificates());
    for options in [
        &[][..],
        &["-legacy"],
        &["-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-RC2-128"],
        &["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
        &["-certpbe", "PBE-SHA1-2DES", "-keypbe", "PBE-SHA1-2DES"],
        &["-certpbe", "AES-128-CBC", "-keypbe", "AES-192-CBC", "-macalg", "sha384"],
        &["-certpbe", "NONE", "-keypbe", "NONE", "-macalg", "sha512"],
        &["-nomac"],
        &["-iter", "10000", "-maciter"],
    ] {
        for password in ["", "secret", "pässwörd €"] {
            let pass = format!("pass:{password}");
            let export = ["pkcs12", "-export", "-in", "bundle.pem", "-out", "file", "-passout", &pass];
            openssl.run(&[&export[..], options].concat()).unwrap();
            let value = STANDARD.encode(openssl.read("file"));
            let (bundle, format) = Bundle::read(&value, password, false).unwrap();
            assert_eq!(thumbprints(bundle.certificates()), expected, "{options:?} {password}");
            assert_eq!((bundle.leaf(), format), (&chain.leaf, ContentType::Pkcs12));
            assert_eq!(bundle.private_key().unwrap().public_key(), chain.key.public_key());
            let is_protected = !options.contains(&"NONE");
            if is_protected || !options.contains(&"-nomac") {
                let wrong = Bundle::read(&value, "wrong", false);
                assert_eq!(wrong.unwrap_err(), Error::UnreadablePkcs12, "{options:?} {password}");
            }
        }
    }
}

#[test]
fn openssl_reads_written_files_of_every_key_type() {
    for (name, options) in KEY_TYPES {
        let (openssl, chain) = prepare(options);
        let bundle = chain.bundle();
        openssl.write("file", &*bundle.to_pkcs12(RANDOM).unwrap());
        let read = ["pkcs12", "-in", "file", "-passin", "pass:"];
        openssl.run(&[&read[..], &["-nodes", "-out", "read.pem"]].concat()).unwrap();
        let (again, _) = Bundle::read(&openssl.read_text("read.pem"), "", false).unwrap();
        assert_eq!(again.certificates(), bundle.certificates(), "{name}");
        openssl.run(&["pkey", "-in", "leaf.key", "-out", "public", "-pubout"]).unwrap();
        openssl.run(&["pkey", "-in", "read.pem", "-out", "read-public", "-pubout"]).unwrap();
        assert_eq!(openssl.read("public"), openssl.read("read-public"), "{name}");
        // The leaf is the certificate with the identifier of the key.
        let leaf = openssl.run(&[&read[..], &["-nokeys", "-clcerts"]].concat()).unwrap();
        assert_eq!(leaf.matches("BEGIN CERTIFICATE").count(), 1);
        assert!(leaf.contains("CN = www.example.com") || leaf.contains("CN=www.example.com"), "{leaf}");
        let secret = bundle.to_secret(ContentType::Pkcs12, RANDOM).unwrap();
        let (again, format) = Bundle::read(&secret, "", false).unwrap();
        assert_eq!((again.certificates(), format), (bundle.certificates(), ContentType::Pkcs12));
    }
}

#[test]
fn bundle_without_private_key_has_certificates_only() {
    let (openssl, chain) = prepare(KEY_TYPES[1].1);
    let bundle = Bundle::new(None, vec![chain.leaf.clone(), chain.intermediate.clone()]).unwrap();
    assert_eq!(bundle.leaf(), &chain.leaf);
    openssl.write("file", &*bundle.to_pkcs12(RANDOM).unwrap());
    let text = openssl.run(&["pkcs12", "-in", "file", "-passin", "pass:", "-nodes"]).unwrap();
    assert_eq!(text.matches("BEGIN CERTIFICATE").count(), 2);
    for secret in
        [ContentType::Pem, ContentType::Pkcs12].map(|format| bundle.to_secret(format, RANDOM).unwrap())
    {
        assert!(!secret.contains("PRIVATE KEY"));
        assert_eq!(Bundle::read(&secret, "", false).unwrap_err(), Error::NoPrivateKey);
    }
}

#[test]
fn expensive_and_damaged_files_are_rejected_quickly() {
    let (openssl, _) = prepare(KEY_TYPES[1].1);
    let export = ["pkcs12", "-export", "-in", "bundle.pem", "-out", "file", "-passout", "pass:a"];
    openssl.run(&[&export[..], &["-nomac", "-iter", "2000001"]].concat()).unwrap();
    let file = openssl.read("file");
    let before = std::time::Instant::now();
    assert_eq!(Bundle::read(&STANDARD.encode(&file), "a", false).unwrap_err(), Error::UnreadablePkcs12);
    openssl.run(&export).unwrap();
    let file = openssl.read("file");
    for length in (0..file.len()).step_by(37) {
        let value = STANDARD.encode(&file[..length]);
        assert_eq!(Bundle::read(&value, "a", false).unwrap_err(), Error::UnreadablePkcs12);
    }
    assert!(before.elapsed().as_secs() < 20);
}
