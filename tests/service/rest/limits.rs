//! Malformed and oversized requests, lenient parsing, and unavailable features.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Method;
use hyper::body::{Body, Bytes, Frame};
use serde_json::{Value, json};

use super::client::{Rest, base64url};
use crate::support::Server;

/// A body of this number of chunks of 10,000 bytes, without a `content-length`.
struct Chunks(u32);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or(0);
        Poll::Ready(left.map(|_| Ok(Frame::data(Bytes::from_static(&[b' '; 10_000])))))
    }
}

#[tokio::test]
async fn rejects_malformed_and_oversized_requests() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let url = "/keys/a/create?api-version=7.6";
    for body in [
        "{",
        "[]",
        "null",
        "geheim",
        r#"{"kty":7}"#,
        r#"{"kty":"oct","key_size":-1}"#,
        r#"{"attributes":{"exp":1.5}}"#,
    ] {
        let message = dev.raw(Method::POST, url, body).await.error(400, "BadParameter");
        assert!(message.starts_with("body: ") && !message.contains("geheim"), "{message}");
    }
    let many = "[".repeat(100_000);
    dev.raw(Method::POST, url, many).await.error(400, "BadParameter");
    let large = format!(r#"{{"kty":"{}"}}"#, "x".repeat(1024 * 1024));
    let message = dev.raw(Method::POST, url, large).await.error(413, "RequestEntityTooLarge");
    assert_eq!(message, "Limit reached: at most 1048576 bytes in a request");
    // Sent in chunks, without a `content-length`.
    let body = reqwest::Body::wrap(Chunks(200));
    dev.raw(Method::POST, url, body).await.error(413, "RequestEntityTooLarge");
    for version in ["api-version=latest", "api-version="] {
        let message = dev.raw(Method::GET, &format!("/keys?{version}"), "").await.error(400, "BadParameter");
        assert!(message.starts_with("api-version: "), "{message}");
    }
    let message =
        dev.raw(Method::POST, "/keys/a/create", r#"{"kty":"oct"}"#).await.error(400, "BadParameter");
    assert_eq!(message, "api-version must be specified");
    assert_eq!(dev.get("/keys").await.text, r#"{"value":[]}"#);
}

/// A body in such a response is a protocol error of HTTP/2.
#[tokio::test]
async fn responses_to_head_have_no_body_on_http2() {
    let server = Server::start();
    let client = server.http_builder().build().unwrap();
    let base = Rest::unauthenticated(&server).base;
    for host in ["local.managedhsm.localhost", "management.localhost"] {
        let url = format!("{}/subscriptions/a", base.replace("local.managedhsm.localhost", host));
        let answer = client.head(url).send().await.unwrap();
        assert_eq!((answer.version(), answer.status().as_u16()), (http::Version::HTTP_2, 401), "{host}");
        assert_eq!(answer.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn tolerates_extra_slashes_case_and_unknown_members() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let made = dev
        .create(
            "Data",
            json!({"kty": "oct-HSM", "curve": "none", "crv": null, "unknown": {"a": [1]}, "tags": null}),
        )
        .await;
    let path = dev.path(&made["key"]["kid"]);
    for path in ["/keys/Data", "/keys/Data/", "/keys//Data//", "//keys/Data", "/KEYS/data", path] {
        assert_eq!(dev.get(path).await.json(200), made, "{path}");
    }
    assert_eq!(dev.raw(Method::GET, "/keys/Data", "").await.json(200), made);
    let value = base64url(&[7; 32]);
    for path in ["/keys/Data//wrapkey".to_owned(), "/keys/Data/wrapKey".to_owned(), format!("{path}/WRAPKEY")]
    {
        let wrapped = dev.post(&path, json!({"alg": "A256KW", "value": value, "nonce": 1})).await.json(200);
        assert_eq!(wrapped["kid"], made["key"]["kid"], "{path}");
    }
    for version in ["7.0", "7.2-preview", "7.6-preview.2", "2025-07-01", "2026-07-01-preview"] {
        dev.raw(Method::GET, &format!("/keys/Data?API-version={version}"), "").await.json(200);
    }
    // Clients send read-only attributes back.
    let updated = dev
        .patch(
            "/keys/Data/",
            json!({"attributes": made["attributes"], "tags": {"team": "billing"}, "release_policy": null}),
        )
        .await
        .json(200);
    assert_eq!(updated["tags"], json!({"team": "billing"}));
    // Neither a body nor a content type.
    dev.delete("/keys/Data").await.json(200);
    assert_eq!(dev.post("/deletedkeys/Data/recover", Value::Null).await.json(200), updated);
}

#[tokio::test]
async fn unavailable_features_are_named_with_501() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    dev.create("a", json!({"kty": "RSA-HSM"})).await;
    let unauthenticated = Rest::unauthenticated(&server);
    let (delete, get, patch, post, put) =
        (Method::DELETE, Method::GET, Method::PATCH, Method::POST, Method::PUT);
    for (method, path, feature) in [
        (&post, "/keys/a//release", "key release"),
        (&post, "/keys/a/0123456789abcdef0123456789abcdef/release", "key release"),
        (&get, "/keys/a//attestation", "key attestation"),
        (&post, "/keys/a/securewrapkey", "secure key wrapping"),
        (&get, "/ekm", "external keys"),
        (&get, "/secrets", "secrets"),
        (&get, "/secrets/a", "secrets"),
        (&get, "/Secrets/a/", "secrets"),
        (&get, "/secrets/a/0123456789abcdef0123456789abcdef", "secrets"),
        (&put, "/secrets/a", "secrets"),
        (&patch, "/secrets/a/", "secrets"),
        (&delete, "/secrets/a", "secrets"),
        (&post, "/secrets/a/backup", "secrets"),
        (&post, "/secrets/restore", "secrets"),
        (&get, "/deletedsecrets/a", "secrets"),
        (&post, "/deletedsecrets/a/recover", "secrets"),
        (&get, "/certificates", "certificates"),
        (&get, "/certificates/a", "certificates"),
        (&post, "/certificates/a/create", "certificates"),
        (&get, "/certificates/a/pending", "certificates"),
        (&get, "/certificates/contacts", "certificates"),
        (&put, "/certificates/issuers/a", "certificates"),
        (&get, "/deletedcertificates", "certificates"),
        (&get, "/storage/a/sas/b", "managed storage accounts"),
        (&get, "/deletedstorage/a", "managed storage accounts"),
    ] {
        let path = format!("{path}?api-version=7.6");
        let answer = dev.raw(method.clone(), &path, "").await;
        let message = answer.error(501, "NotSupported");
        assert_eq!(message, format!("The feature \"{feature}\" is not available yet"), "{path}");
        assert_eq!(unauthenticated.raw(method.clone(), &path, "").await.status, 401, "{path}");
    }
    for body in [
        json!({"kty": "RSA-HSM", "attributes": {"exportable": true}, "release_policy": {"data": "e30"}}),
        json!({"attributes": {"external_key": {"id": "x"}}}),
        json!({"kty": "RSA-HSM", "key_ops": ["import"]}),
    ] {
        dev.post("/keys/b/create", body).await.error(501, "NotSupported");
    }
    let blob = json!({"key": {"kty": "RSA-HSM", "key_hsm": "e30"}});
    dev.put("/keys/b", blob).await.error(501, "NotSupported");
    for (method, path) in [(&get, "/"), (&get, "/nonsense"), (&post, "/keys"), (&get, "/rng")] {
        dev.raw(method.clone(), path, "").await.error(404, "NotFound");
    }
}
