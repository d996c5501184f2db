//! Tests the retrieval of an issuer's signing keys (JWKS): rotation, failures, and the rate of requests.

use axum::http::StatusCode;
use futures_util::FutureExt;
use serde_json::json;
use strongroom::identity::KeySource;

use crate::support::*;

const UNKNOWN: &str = "the access token names a signing key that its issuer does not publish";

#[tokio::test]
async fn unknown_kid_triggers_rate_limited_jwks_refresh() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let server = KeyServer::start(&[old.jwk("old")]).await;
    let identity = identity(issuer(KeySource::JwksUrl(server.url.clone()))).await;
    authenticate_token(&identity, &old.token("old", &claims(json!({})))).await.unwrap();
    assert_eq!(server.hits(), 1);

    server.publish(&[old.jwk("old"), new.jwk("new")]);
    authenticate_token(&identity, &new.token("new", &claims(json!({})))).await.unwrap();
    authenticate_token(&identity, &old.token("old", &claims(json!({"sub": "again"})))).await.unwrap();
    assert_eq!(server.hits(), 2);

    // Tokens with unknown key ids do not cause further requests.
    for number in 0..20 {
        let token = new.token(&format!("unknown-{number}"), &claims(json!({})));
        assert_eq!(rejection_reason(&identity, &token).await, UNKNOWN);
    }
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn concurrent_callers_share_one_jwks_request() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let server = KeyServer::start(&[old.jwk("old")]).await;
    let identity = identity(issuer(KeySource::JwksUrl(server.url.clone()))).await;
    server.publish(&[new.jwk("new")]);
    let callers = (0..50).map(|number| {
        let (identity, token) = (identity.clone(), new.token("new", &claims(json!({ "sub": number }))));
        tokio::spawn(async move { authenticate_token(&identity, &token).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn failed_jwks_refresh_keeps_cached_keys() {
    let key = Signer::p256();
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, "{}"),
        (StatusCode::OK, "<html>maintenance</html>"),
        (StatusCode::OK, r#"{"keys":[]}"#),
        (StatusCode::FOUND, ""),
    ] {
        let server = KeyServer::start(&[key.jwk("key")]).await;
        let identity = identity(issuer(KeySource::JwksUrl(server.url.clone()))).await;
        server.fail(status, body);
        assert_eq!(rejection_reason(&identity, &key.token("unknown", &claims(json!({})))).await, UNKNOWN);
        assert_eq!(server.hits(), 2, "{status} {body}");
        authenticate_token(&identity, &key.token("key", &claims(json!({})))).await.unwrap();
    }
    let server = KeyServer::start(&[key.jwk("key")]).await;
    let identity = identity(issuer(KeySource::JwksUrl(server.url.clone()))).await;
    server.stop();
    assert_eq!(rejection_reason(&identity, &key.token("unknown", &claims(json!({})))).await, UNKNOWN);
    authenticate_token(&identity, &key.token("key", &claims(json!({})))).await.unwrap();
}

#[tokio::test]
async fn jwks_unavailable_at_startup_is_fetched_later() {
    let key = Signer::rsa();
    let server = KeyServer::start(&[]).await;
    server.fail(StatusCode::SERVICE_UNAVAILABLE, "");
    let identity = identity(issuer(KeySource::JwksUrl(server.url.clone()))).await;
    server.publish(&[key.jwk("key")]);
    authenticate_token(&identity, &key.token("key", &claims(json!({})))).await.unwrap();
}

#[tokio::test]
async fn cancelled_caller_does_not_cancel_jwks_request() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let server = KeyServer::start(&[old.jwk("old")]).await;
    let identity = identity(issuer(KeySource::JwksUrl(server.url.clone()))).await;
    server.publish(&[new.jwk("new")]);
    let impatient = new.token("new", &claims(json!({"sub": "impatient"})));
    assert!(authenticate_token(&identity, &impatient).now_or_never().is_none());
    authenticate_token(&identity, &new.token("new", &claims(json!({})))).await.unwrap();
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn jwks_file_is_reloaded_for_unknown_kid() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    std::fs::write(&path, json!({"keys": [old.jwk("old")]}).to_string()).unwrap();
    let identity = identity(issuer(KeySource::JwksFile(path.clone()))).await;
    authenticate_token(&identity, &old.token("old", &claims(json!({})))).await.unwrap();
    std::fs::write(&path, json!({"keys": [new.jwk("new")]}).to_string()).unwrap();
    authenticate_token(&identity, &new.token("new", &claims(json!({})))).await.unwrap();
    assert_eq!(rejection_reason(&identity, &old.token("old", &claims(json!({"sub": "x"})))).await, UNKNOWN);
}

const TOO_OLD: &str = "the signing keys of the access token's issuer are out of date";

/// An issuer whose keys are trusted for two seconds after they were read.
fn short_lived(source: KeySource) -> strongroom::identity::Issuer {
    strongroom::identity::Issuer { keys_max_age_seconds: 2, ..issuer(source) }
}

#[tokio::test]
async fn keys_older_than_max_age_are_not_trusted() {
    let key = Signer::p256();
    let server = KeyServer::start(&[key.jwk("key")]).await;
    let identity = identity(short_lived(KeySource::JwksUrl(server.url.clone()))).await;
    let known = key.token("key", &claims(json!({})));
    authenticate_token(&identity, &known).await.unwrap();
    server.fail(StatusCode::SERVICE_UNAVAILABLE, "");
    sleep_ms(3100).await;
    // This applies to new tokens and to cached ones.
    assert_eq!(rejection_reason(&identity, &key.token("key", &claims(json!({"sub": "new"})))).await, TOO_OLD);
    assert_eq!(rejection_reason(&identity, &known).await, TOO_OLD);
    // The same limit applies to key files.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jwks.json");
    std::fs::write(&path, json!({"keys": [key.jwk("key")]}).to_string()).unwrap();
    let identity = self::identity(short_lived(KeySource::JwksFile(path.clone()))).await;
    authenticate_token(&identity, &known).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    sleep_ms(3100).await;
    assert_eq!(rejection_reason(&identity, &known).await, TOO_OLD);
}

#[tokio::test]
async fn expired_keys_are_refreshed_before_token_is_rejected() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let server = KeyServer::start(&[old.jwk("old")]).await;
    let identity = identity(short_lived(KeySource::JwksUrl(server.url.clone()))).await;
    let withdrawn = old.token("old", &claims(json!({})));
    authenticate_token(&identity, &withdrawn).await.unwrap();
    server.publish(&[new.jwk("new")]);
    sleep_ms(3100).await;
    authenticate_token(&identity, &new.token("new", &claims(json!({})))).await.unwrap();
    // A withdrawn key is no longer trusted.
    assert_eq!(rejection_reason(&identity, &withdrawn).await, UNKNOWN);
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn proxy_is_validated_and_bypassed_for_loopback() {
    let key = Signer::p256();
    let server = KeyServer::start(&[key.jwk("key")]).await;
    // Nothing listens at the proxy's address; loopback addresses are called directly.
    let proxied = |proxy: &str| strongroom::identity::Issuer {
        proxy: Some(proxy.to_owned()),
        ..issuer(KeySource::JwksUrl(server.url.clone()))
    };
    let identity = identity(proxied("http://127.0.0.1:1")).await;
    authenticate_token(&identity, &key.token("key", &claims(json!({})))).await.unwrap();
    for issuer in [
        proxied("not a proxy"),
        strongroom::identity::Issuer {
            proxy: Some("http://127.0.0.1:1".to_owned()),
            ..issuer(fixed_keys(&[]))
        },
    ] {
        let settings = strongroom::identity::Settings { issuers: vec![issuer], ..Default::default() };
        assert!(strongroom::identity::Identity::new(settings).await.is_err());
    }
}
