//! Keys and access tokens made without the code under test, signed with RustCrypto.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::{SignatureEncoding, Signer as _};
use rsa::traits::PublicKeyParts;
use serde_json::{Value, json};
use strongroom::identity::{
    Audience, Caller, Credential, Identity, Issuer, KeySource, Settings, SignatureAlgorithm,
};
use strongroom::model::{Error, Result};
use uuid::Uuid;

pub(crate) const TENANT: Uuid = Uuid::from_u128(0x7e4a_0000_0000_4000_8000_0000_0000_0001);
pub(crate) const PRINCIPAL: Uuid = Uuid::from_u128(0x0b1e_c700_0000_4000_8000_0000_0000_0002);
pub(crate) const ISSUER: &str = "https://sts.example/tenant/";
pub(crate) const AUDIENCE: &str = "https://managedhsm.example";
pub(crate) const MANAGEMENT: &str = "https://management.example";
pub(crate) const VAULTS: &str = "https://vault.example";

/// Base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The machine's time, in seconds.
pub(crate) fn now() -> u64 {
    jsonwebtoken::get_current_timestamp()
}

/// A key pair that signs tokens.
pub(crate) enum Signer {
    Rsa(Box<rsa::RsaPrivateKey>),
    P256(p256::ecdsa::SigningKey),
}

impl Signer {
    pub(crate) fn rsa() -> Self {
        let pair =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        Self::Rsa(Box::new(rsa::RsaPrivateKey::from_pkcs8_der(pair.serialized_der()).unwrap()))
    }

    pub(crate) fn p256() -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&rand::random::<[u8; 32]>()).unwrap())
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::P256(_) => "ES256",
        }
    }

    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(key) => json!({"kty": "RSA", "kid": kid, "use": "sig",
                "n": encode(key.n().to_bytes_be()), "e": encode(key.e().to_bytes_be())}),
            Self::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": encode(point.x().unwrap()), "y": encode(point.y().unwrap())})
            }
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                rsa::pkcs1v15::SigningKey::<rsa::sha2::Sha256>::new((**key).clone()).sign(message).to_vec()
            }
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
        }
    }

    /// Signs a token with these claims and a key id.
    pub(crate) fn token(&self, kid: &str, claims: &Value) -> String {
        self.token_with(&json!({"typ": "JWT", "alg": self.algorithm(), "kid": kid}), claims)
    }

    /// Signs a token with any header.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let signature = encode(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// Encodes header and claims, without a signature.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

/// The claims of a valid access token. `changes` replaces members; null removes one.
pub(crate) fn claims(changes: Value) -> Value {
    let mut claims = json!({"iss": ISSUER, "aud": AUDIENCE, "tid": TENANT, "oid": PRINCIPAL, "sub": PRINCIPAL,
        "iat": now(), "nbf": now(), "exp": now() + 3600, "appid": "app", "ver": "1.0"});
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

/// An issuer with these keys.
pub(crate) fn issuer(keys: KeySource) -> Issuer {
    Issuer {
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        vault_audiences: vec![VAULTS.to_owned()],
        management_audiences: vec![MANAGEMENT.to_owned()],
        any_port: false,
        is_simulator_authority: false,
        tenant: TENANT,
        keys,
        algorithms: vec![SignatureAlgorithm::RS256, SignatureAlgorithm::ES256],
        leeway_seconds: 60,
        tenant_claim_required: true,
        ca_file: None,
        keys_max_age_seconds: 3600,
        proxy: None,
    }
}

/// A key source with fixed keys.
pub(crate) fn fixed_keys(keys: &[Value]) -> KeySource {
    KeySource::Static(serde_json::from_value(json!({ "keys": keys })).unwrap())
}

pub(crate) async fn identity(issuer: Issuer) -> Identity {
    Identity::new(Settings { issuers: vec![issuer], ..Default::default() }).await.unwrap()
}

/// Returns the reason for which the token is rejected. Panics if it is accepted or if the reason quotes it.
pub(crate) async fn rejection_reason(identity: &Identity, token: &str) -> &'static str {
    match identity.authenticate(Credential::AccessToken(token), &[Audience::Service]).await {
        Err(Error::Unauthenticated { why }) => {
            assert!(token.split('.').all(|part| part.len() < 8 || !why.contains(part)));
            why
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn authenticate_token(identity: &Identity, token: &str) -> Result<Arc<Caller>> {
    identity.authenticate(Credential::AccessToken(token), &[Audience::Service]).await
}

/// A JWKS endpoint that listens on a socket, with replaceable responses and a count of requests.
#[derive(Clone)]
pub(crate) struct KeyServer {
    pub(crate) url: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    hits: Arc<AtomicUsize>,
    task: Arc<tokio::task::JoinHandle<()>>,
}

impl KeyServer {
    pub(crate) async fn start(keys: &[Value]) -> Self {
        let answer = Arc::new(Mutex::new((StatusCode::OK, json!({ "keys": keys }).to_string())));
        let hits = Arc::new(AtomicUsize::new(0));
        let (shared, counter) = (answer.clone(), hits.clone());
        let router = axum::Router::new().route(
            "/keys",
            get(move || {
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = shared.lock().unwrap().clone();
                async move { answer }
            }),
        );
        let (address, task) = serve(router).await;
        Self { url: format!("http://{address}/keys"), answer, hits, task: Arc::new(task) }
    }

    pub(crate) fn publish(&self, keys: &[Value]) {
        *self.answer.lock().unwrap() = (StatusCode::OK, json!({ "keys": keys }).to_string());
    }

    pub(crate) fn fail(&self, status: StatusCode, body: &str) {
        *self.answer.lock().unwrap() = (status, body.to_owned());
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

/// Serves a router on a free port.
pub(crate) async fn serve(router: axum::Router) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

/// Sleeps in real time: files are checked and keys expire by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "the tested code uses the machine's clock")]
pub(crate) async fn sleep_ms(milliseconds: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
}
