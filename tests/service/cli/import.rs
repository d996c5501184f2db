//! `strongroom key import`: keys that OpenSSL made, in every form.

use p256::ecdsa::signature::Verifier as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::pkcs8::DecodePrivateKey as _;

use super::{Desk, base64url};

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn pem_private_keys_are_imported_and_sign() {
    let desk = Desk::new();
    desk.write("document", "Invoice 17");
    for (curve, name, algorithm) in [
        ("prime256v1", "P-256", "ES256"),
        ("secp256k1", "P-256K", "ES256K"),
        ("secp384r1", "P-384", "ES384"),
        ("secp521r1", "P-521", "ES512"),
    ] {
        desk.openssl(&format!("ecparam -name {curve} -genkey -noout -out sec1.pem"));
        desk.openssl("pkcs8 -topk8 -nocrypt -in sec1.pem -out pkcs8.pem");
        for form in ["sec1.pem", "pkcs8.pem"] {
            let key = desk.json(&format!("key import {name} --pem {form} --tag form={form}"));
            assert_eq!((&key["key"]["crv"], &key["tags"]["form"]), (&name.into(), &form.into()));
            // The public half is the one OpenSSL derives.
            let der = desk.openssl(&format!("ec -in {form} -pubout -outform DER"));
            let point = [base64url(&key["key"]["x"]), base64url(&key["key"]["y"])].concat();
            assert!(der.ends_with(&point), "{name} {form}");
        }
        desk.ok(&format!("key sign {name} --alg {algorithm} --file document --signature-out signature"));
        if name == "P-256" {
            let pem = String::from_utf8(desk.read("pkcs8.pem")).unwrap();
            let key = p256::ecdsa::SigningKey::from_pkcs8_pem(&pem).unwrap();
            let signature = p256::ecdsa::Signature::from_slice(&desk.read("signature")).unwrap();
            key.verifying_key().verify(&desk.read("document"), &signature).unwrap();
        }
    }

    desk.openssl("genrsa -traditional -out pkcs1.pem 2048");
    desk.openssl("pkcs8 -topk8 -nocrypt -in pkcs1.pem -out rsa.pem");
    desk.openssl("rsa -in rsa.pem -pubout -out public.pem");
    for form in ["pkcs1.pem", "rsa.pem"] {
        let key = desk.json(&format!("key import archive --pem {form} --ops sign,verify"));
        assert_eq!((&key["kty"], &key["key_size"]), (&"RSA-HSM".into(), &2048.into()));
        desk.ok("key sign archive --alg RS384 --file document --signature-out signature");
        let check = "dgst -sha384 -verify public.pem -signature signature document";
        assert_eq!(desk.openssl(check), b"Verified OK\n", "{form}");
    }
}

#[test]
fn json_web_keys_and_raw_bytes_are_imported() {
    let desk = Desk::new();
    desk.openssl("ecparam -name prime256v1 -genkey -noout -out sec1.pem");
    desk.openssl("pkcs8 -topk8 -nocrypt -in sec1.pem -out pkcs8.pem");
    let pem = String::from_utf8(desk.read("pkcs8.pem")).unwrap();
    let key = p256::SecretKey::from_pkcs8_pem(&pem).unwrap();
    let point = key.public_key().to_sec1_point(false);
    let (x, y) = (encode(point.x().unwrap()), encode(point.y().unwrap()));
    let jwk = serde_json::json!({
        "kty": "EC", "crv": "P-256", "use": "sig", "kid": "of no interest", "key_ops": ["sign"],
        "x": x, "y": y, "d": encode(&key.to_bytes()),
    });
    desk.write("key.jwk", jwk.to_string());
    let imported = desk.json("key import curve --jwk key.jwk");
    assert_eq!((&imported["key"]["x"], &imported["key"]["y"]), (&x.into(), &y.into()));
    assert_eq!(imported["key_ops"], serde_json::json!(["sign"]));
    let chosen = desk.json("key import curve --jwk key.jwk --ops sign,verify");
    assert_eq!(chosen["key_ops"], serde_json::json!(["sign", "verify"]));

    // An empty list in the key, or none on the command line, means none.
    desk.write("none.jwk", jwk.to_string().replace(r#"["sign"]"#, "[]"));
    assert_eq!(desk.json("key import curve --jwk none.jwk")["key_ops"], serde_json::json!([]));
    assert_eq!(desk.json("key import curve --jwk key.jwk --no-ops")["key_ops"], serde_json::json!([]));

    let secret = desk.openssl("rand 32");
    let oct = serde_json::json!({"kty": "oct", "k": encode(&secret)}).to_string();
    let answer = desk.pipe("key import secret --jwk -", oct.as_bytes());
    assert_eq!(answer.code, 0, "{answer:?}");
    let answer = desk.pipe("key import secret --raw -", &secret);
    assert_eq!(answer.code, 0, "{answer:?}");
    // Both versions are the same key, and OpenSSL's MAC of the document's hash is that of either.
    desk.write("document", "Invoice 17");
    desk.openssl("dgst -sha256 -binary -out digest document");
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let theirs = desk.openssl(&format!("dgst -sha256 -mac HMAC -macopt hexkey:{hex} -binary digest"));
    for version in desk.json("key versions secret").as_array().unwrap() {
        let name = version["name"].as_str().unwrap();
        let ours = desk.json(&format!("key sign {name} --alg HS256 --file document"));
        assert_eq!(base64url(&ours["signature"]), theirs);
    }
}

#[test]
fn import_errors_name_the_file() {
    let desk = Desk::new();
    desk.openssl("ecparam -name prime256v1 -genkey -noout -out sec1.pem");
    desk.openssl("pkcs8 -topk8 -passout pass:x -in sec1.pem -out encrypted.pem");
    desk.openssl("genpkey -algorithm ed25519 -out ed25519.pem");
    desk.openssl("genrsa -out short.pem 1024");
    desk.write("short", [7; 15]);
    desk.write("wrong.jwk", r#"{"kty":"oct"}"#);
    for (line, told) in [
        (
            "key import k --pem encrypted.pem",
            "encrypted.pem: the private key is encrypted\nhint: `openssl pkcs8",
        ),
        (
            "key import k --pem ed25519.pem",
            "ed25519.pem: the private key is not a valid RSA key, or EC key on P-256",
        ),
        ("key import k --pem short", "short: no private key in PEM found"),
        ("key import k --pem short.pem", "2048"),
        ("key import k --raw short", "short: an AES key has 16, 24 or 32 bytes, this has 15"),
        ("key import k --jwk wrong.jwk", "wrong.jwk: the JSON Web Key has no member \"k\""),
        ("key import k --jwk sec1.pem", "sec1.pem: not a JSON Web Key (line 1, column "),
        ("--as crypto-officer key import k --pem sec1.pem", "keys/import/action at /keys/k"),
    ] {
        let error = desk.fails(line);
        assert!(error.contains(told), "{line}\n{error}");
    }
    assert_eq!(desk.json("key list"), serde_json::json!([]));
}
