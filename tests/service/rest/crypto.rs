//! Every algorithm over REST: round trips, and detection of tampering.

use serde_json::{Value, json};
use strongroom::model::algorithm::{EncryptionAlgorithm, SignatureAlgorithm, WrapAlgorithm};

use super::client::{Rest, base64url};
use crate::support::Server;

/// Returns the name of the key for an algorithm.
fn key_for(algorithm: &str) -> &'static str {
    match algorithm {
        "ES256" => "P-256",
        "ES256K" => "P-256K",
        "ES384" => "P-384",
        "ES512" => "P-521",
        name if name.starts_with("RS") || name.starts_with("PS") => "rsa",
        name if name.starts_with("HS") => "oct-256",
        name if name.starts_with("A128") => "oct-128",
        name if name.starts_with("A192") => "oct-192",
        name if name.starts_with("A256") => "oct-256",
        name => panic!("{name}"),
    }
}

async fn keys(dev: &Rest) {
    for curve in ["P-256", "P-256K", "P-384", "P-521"] {
        dev.create(curve, json!({"kty": "EC-HSM", "crv": curve})).await;
    }
    for bits in [128, 192] {
        dev.create(&format!("oct-{bits}"), json!({"kty": "oct-HSM", "key_size": bits})).await;
    }
    // A key of this size that SoftHSM generates cannot compute MACs, so this one is imported.
    let key = json!({"kty": "oct-HSM", "k": base64url(&[3; 32])});
    dev.put("/keys/oct-256", json!({"key": key})).await.json(200);
    dev.create("rsa", json!({"kty": "RSA-HSM", "key_size": 2048})).await;
}

fn tamper(text: &Value) -> Value {
    let text = text.as_str().unwrap();
    let first = if text.starts_with('A') { 'B' } else { 'A' };
    format!("{first}{}", &text[1..]).into()
}

#[tokio::test]
async fn every_algorithm_round_trips() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    keys(&dev).await;
    for algorithm in SignatureAlgorithm::ALL {
        let (alg, key) = (algorithm.as_str(), key_for(algorithm.as_str()));
        let digest = base64url(&vec![7; algorithm.hash().map_or(20, |hash| hash.digest_len())]);
        let made =
            dev.post(&format!("/keys/{key}/sign"), json!({"alg": alg, "value": digest})).await.json(200);
        assert_eq!(made["alg"], alg);
        assert!(dev.path(&made["kid"]).starts_with(&format!("/keys/{key}/")));
        for (value, valid) in [(made["value"].clone(), true), (tamper(&made["value"]), false)] {
            let body = json!({"alg": alg, "digest": digest, "value": value});
            let verified = dev.post(&format!("/keys/{key}/verify"), body).await.json(200);
            assert_eq!((&verified["value"], &verified["kid"]), (&valid.into(), &made["kid"]), "{alg}");
        }
    }
    for algorithm in EncryptionAlgorithm::ALL {
        let (alg, key) = (algorithm.as_str(), key_for(algorithm.as_str()));
        let value = base64url(&[9; 32]);
        let mut body = json!({"alg": alg, "value": value});
        if alg.contains("CBC") {
            body["iv"] = base64url(&[5; 16]).into();
        }
        if alg.ends_with("GCM") {
            body["aad"] = base64url(b"header").into();
        }
        let sealed = dev.post(&format!("/keys/{key}/encrypt"), body.clone()).await.json(200);
        assert_eq!((&sealed["alg"], &sealed["aad"]), (&alg.into(), &body["aad"]), "{alg}");
        let opened = dev.post(&format!("/keys/{key}/decrypt"), sealed.clone()).await.json(200);
        assert_eq!((&opened["value"], &opened["kid"]), (&value.into(), &sealed["kid"]), "{alg}");
        // CBC does not authenticate, and a tampered RSA1_5 ciphertext may decrypt to something else.
        if alg.ends_with("GCM") || alg.starts_with("RSA-OAEP") {
            let mut tampered = sealed.clone();
            tampered["value"] = tamper(&sealed["value"]);
            dev.post(&format!("/keys/{key}/decrypt"), tampered).await.error(400, "BadParameter");
        }
    }
    for algorithm in WrapAlgorithm::ALL {
        let (alg, key) = (algorithm.as_str(), key_for(algorithm.as_str()));
        let value = base64url(&[9; 32]);
        let wrapped =
            dev.post(&format!("/keys/{key}/wrapkey"), json!({"alg": alg, "value": value})).await.json(200);
        let opened = dev.post(&format!("/keys/{key}/unwrapkey"), wrapped.clone()).await.json(200);
        assert_eq!((&opened["value"], &opened["kid"]), (&value.into(), &wrapped["kid"]), "{alg}");
    }
}

#[tokio::test]
async fn returns_random_bytes() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    for count in [1_usize, 128] {
        let text =
            dev.post("/rng", json!({"count": count})).await.json(200)["value"].as_str().unwrap().to_owned();
        assert_eq!(text.len(), (count * 8).div_ceil(6), "{text}");
    }
    for body in [json!({"count": 0}), json!({"count": 129}), json!({"count": -1}), json!({}), Value::Null] {
        let message = dev.post("/rng", body).await.error(400, "BadParameter");
        assert_eq!(message, "GetRandomBytesRequest: count cannot be greater than 128 or less than 1");
    }
}
