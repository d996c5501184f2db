//! Imports and exports in PEM, and the order of chains.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strongroom_certificate::{Bundle, Certificate, Error, MAX_CERTIFICATES};
use strongroom_model::certificate::ContentType;
use strongroom_model::import::ImportMaterial;

use crate::kit::{Chain, KEY_TYPES, OpenSsl, thumbprints};

fn pem(openssl: &OpenSsl, certificate: &Certificate) -> String {
    openssl.write("der", certificate.der());
    openssl.run(&["x509", "-in", "der"]).unwrap()
}

#[test]
fn pem_is_read_in_any_order_and_encoding() {
    let openssl = OpenSsl::new();
    let chain = Chain::new(&openssl, KEY_TYPES[0].1);
    let [leaf, intermediate, root] =
        [&chain.leaf, &chain.intermediate, &chain.root].map(|certificate| pem(&openssl, certificate));
    let key = openssl.read_text("leaf.key");
    let text = format!("Bag Attributes\r\n{root}\n{leaf}{key}subject=x\n{intermediate}");
    let expected = thumbprints(chain.bundle().certificates());
    let wrapped = STANDARD.encode(&text);
    let wrapped: Vec<_> =
        wrapped.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    for value in [text.clone(), STANDARD.encode(&text), wrapped.join("\r\n"), text.replace('\n', "\r\n")] {
        let (bundle, format) = Bundle::read(&value, "ignored", false).unwrap();
        assert_eq!(thumbprints(bundle.certificates()), expected);
        assert_eq!((bundle.leaf(), format), (&chain.leaf, ContentType::Pem));
        assert_eq!(bundle.private_key().unwrap().public_key(), chain.key.public_key());
    }
    let (kept, _) = Bundle::read(&text, "", true).unwrap();
    assert_eq!(kept.leaf(), &chain.leaf);
    assert_eq!(kept.certificates(), [&chain.root, &chain.leaf, &chain.intermediate].map(Clone::clone));
}

#[test]
fn private_keys_are_read_in_every_encoding() {
    for (name, options) in KEY_TYPES {
        let openssl = OpenSsl::new();
        let chain = Chain::new(&openssl, options);
        let certificate = pem(&openssl, &chain.leaf);
        openssl.run(&["pkey", "-in", "leaf.key", "-traditional", "-out", "traditional"]).unwrap();
        let encrypt = ["pkcs8", "-topk8", "-in", "leaf.key", "-passout", "pass:wörd", "-out"];
        openssl.run(&[&encrypt[..], &["encrypted"]].concat()).unwrap();
        openssl.run(&[&encrypt[..], &["old", "-v1", "PBE-SHA1-3DES"]].concat()).unwrap();
        let mut keys = vec!["leaf.key", "traditional", "encrypted", "old"];
        if name != "RSA" {
            let omit = ["ec", "-in", "leaf.key", "-no_public", "-out", "no_public"];
            openssl.run(&omit).unwrap();
            openssl.run(&["ecparam", "-name", "prime256v1", "-out", "parameters"]).unwrap();
            keys.push("no_public");
        }
        for file in keys {
            let value = openssl.read_text(file) + &certificate;
            let (bundle, _) = Bundle::read(&value, "wörd", false).unwrap();
            assert_same(bundle.private_key().unwrap().material(), chain.key.material());
            let written = bundle.to_pem().unwrap();
            assert!(written.starts_with("-----BEGIN PRIVATE KEY-----\n"));
            openssl.write("written", &*written);
            openssl.run(&["pkey", "-in", "written", "-check", "-noout"]).unwrap();
            let again = Bundle::read(&written, "", false).unwrap().0;
            assert_same(again.private_key().unwrap().material(), chain.key.material());
            assert_eq!(again.certificates(), bundle.certificates());
        }
        let value = openssl.read_text("encrypted") + &certificate;
        assert_eq!(Bundle::read(&value, "wrong", false).unwrap_err(), Error::UnreadablePem);
    }
}

fn assert_same(one: &ImportMaterial, other: &ImportMaterial) {
    match (one, other) {
        (
            ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi },
            ImportMaterial::Rsa { n: n2, e: e2, d: d2, p: p2, q: q2, dp: dp2, dq: dq2, qi: qi2 },
        ) => assert!([n, e, d, p, q, dp, dq, qi] == [n2, e2, d2, p2, q2, dp2, dq2, qi2]),
        (ImportMaterial::Ec { crv, x, y, d }, ImportMaterial::Ec { crv: crv2, x: x2, y: y2, d: d2 }) => {
            assert!(crv == crv2 && [x, y, d] == [x2, y2, d2])
        }
        _ => panic!("different types"),
    }
}

#[test]
fn invalid_imports_are_rejected() {
    let openssl = OpenSsl::new();
    let chain = Chain::new(&openssl, KEY_TYPES[1].1);
    let [leaf, root] = [&chain.leaf, &chain.root].map(|certificate| pem(&openssl, certificate));
    let key = openssl.read_text("leaf.key");
    openssl.run(&["genpkey", "-algorithm", "ED25519", "-out", "ed25519"]).unwrap();
    openssl
        .run(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", "1024"])
        .unwrap();
    for (value, error) in [
        (String::new(), Error::UnreadablePkcs12),
        ("not base64!".to_owned(), Error::UnknownFormat),
        (STANDARD.encode("neither"), Error::UnreadablePkcs12),
        (STANDARD.encode(chain.leaf.der()), Error::UnreadablePkcs12),
        (leaf.clone(), Error::NoPrivateKey),
        (key.clone(), Error::UnreadablePem),
        (format!("{key}{root}"), Error::NoMatchingCertificate),
        (format!("{key}{key}{leaf}"), Error::UnreadablePem),
        (format!("{key}{}", leaf.replace("-----END", "----END")), Error::UnreadablePem),
        (format!("{key}{}", leaf.replace("MII", "M*I")), Error::UnreadablePem),
        (format!("{key}{}", leaf.replace("CERTIFICATE", "CRL")), Error::UnreadablePem),
        (format!("{key}-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"), Error::UnreadablePem),
        (openssl.read_text("ed25519") + &leaf, Error::UnsupportedKey),
        (openssl.read_text("1024") + &leaf, Error::UnsupportedKey),
        (key.clone() + &leaf.repeat(MAX_CERTIFICATES + 1), Error::TooManyCertificates),
        (key + &leaf.repeat(MAX_CERTIFICATES + 9), Error::TooManyCertificates),
    ] {
        assert_eq!(Bundle::read(&value, "", false).unwrap_err(), error, "{value:.99}");
    }
    assert_eq!(
        Bundle::new(Some(chain.key.clone()), vec![chain.root.clone()]).unwrap_err(),
        Error::NoMatchingCertificate
    );
    assert_eq!(Bundle::new(None, Vec::new()).unwrap_err(), Error::NoMatchingCertificate);
}

#[test]
fn debug_output_has_no_key_material() {
    let openssl = OpenSsl::new();
    let chain = Chain::new(&openssl, KEY_TYPES[1].1);
    let text = format!("{:?}", chain.bundle());
    assert!(text.contains("PrivateKey(EC on P-256)") && text.len() < 300, "{text}");
}
