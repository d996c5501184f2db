//! Tests the built-in authority: token requests and discovery over HTTP, its files, and its access tokens.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::signature::Verifier;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use strongroom::identity::KeySource;
use strongroom::model::name::PrincipalId;
use strongroom::server::files;
use strongroom::simulator::authority::{
    AccessTokenVersion, Authority, AuthoritySettings, Client, ClientCertificate,
};
use uuid::Uuid;

use crate::support::*;

pub(crate) const APPLICATION: Uuid = Uuid::from_u128(0xa9);
pub(crate) const HOST: &str = "login.localhost:8443";

pub(crate) const ISSUER_V2: &str = "https://login.localhost:8443/tenant/v2.0";

pub(crate) fn settings() -> AuthoritySettings {
    AuthoritySettings {
        tenant: TENANT,
        issuer: ISSUER.to_owned(),
        issuer_v2: ISSUER_V2.to_owned(),
        access_token_version: AccessTokenVersion::V1,
        hosts: vec!["login.localhost".to_owned(), "login.example".to_owned()],
        audiences: vec![AUDIENCE.to_owned(), "https://management.example".to_owned()],
        lifetime: std::time::Duration::from_secs(3599),
    }
}

pub(crate) fn client() -> Client {
    Client {
        name: "payroll".into(),
        object_id: PrincipalId(PRINCIPAL),
        client_id: APPLICATION,
        groups: vec![PrincipalId(Uuid::from_u128(7))],
    }
}

/// An authority that listens on a socket, with one registered application.
pub(crate) struct RunningAuthority {
    pub(crate) authority: Arc<Authority>,
    pub(crate) secret: SecretString,
    pub(crate) base: String,
    pub(crate) http: reqwest::Client,
    pub(crate) directory: tempfile::TempDir,
}

impl RunningAuthority {
    pub(crate) async fn start() -> Self {
        Self::start_with(settings(), Vec::new()).await
    }

    pub(crate) async fn start_with(
        settings: AuthoritySettings,
        certificates: Vec<ClientCertificate>,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Arc::new(Authority::open(directory.path(), settings).unwrap());
        let secret = authority.register(client(), None, certificates).unwrap();
        let (address, _) = serve(authority.clone().router()).await;
        Self { authority, secret, base: format!("http://{address}"), http: reqwest::Client::new(), directory }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.http.get(format!("{}{path}", self.base)).header("host", HOST).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.http.post(format!("{}{path}", self.base)).form(form).send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Sends a v2 token request. `changes` replaces members of the valid form; an empty value removes one.
    pub(crate) async fn request_token(&self, changes: &[(&str, &str)]) -> (u16, Value) {
        let (id, scope) = (APPLICATION.to_string(), format!("{AUDIENCE}/.default"));
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", id.as_str()),
            ("client_secret", self.secret.expose_secret()),
            ("scope", scope.as_str()),
            ("client_info", "1"),
        ];
        for (name, value) in changes {
            form.retain(|(present, _)| present != name);
            if !value.is_empty() {
                form.push((name, value));
            }
        }
        self.post(&format!("/{TENANT}/oauth2/v2.0/token?client-request-id=1"), &form).await
    }
}

pub(crate) fn decode_jwt_part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Verifies an RS256 signature with RustCrypto and the published keys.
fn verify_independently(token: &str, jwks: &Value) {
    let key = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == decode_jwt_part(token, 0)["kid"])
        .unwrap();
    let number = |name: &str| {
        rsa::BigUint::from_bytes_be(&URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap())
    };
    let key = rsa::RsaPublicKey::new(number("n"), number("e")).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let signature = Signature::try_from(&*URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    VerifyingKey::<rsa::sha2::Sha256>::new(key).verify(message.as_bytes(), &signature).unwrap();
}

#[tokio::test]
async fn issues_access_token_verifiable_from_jwks() {
    let running = RunningAuthority::start().await;
    let (status, answer) = running.request_token(&[]).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!((&answer["expires_in"], &answer["ext_expires_in"]), (&json!(3599), &json!(3599)));
    let token = answer["access_token"].as_str().unwrap();

    let (_, metadata) = running.get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration")).await;
    let keys = metadata["jwks_uri"].as_str().unwrap().strip_prefix(&format!("https://{HOST}")).unwrap();
    verify_independently(token, &running.get(keys).await.1);

    assert_eq!(decode_jwt_part(token, 0)["alg"], "RS256");
    let mut claims = decode_jwt_part(token, 1);
    let (iat, exp) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert!(iat <= now() && exp - iat == 3599);
    for name in ["iat", "nbf", "exp", "uti"] {
        claims.as_object_mut().unwrap().remove(name).unwrap();
    }
    let expected = json!({"aud": AUDIENCE, "iss": ISSUER, "idp": ISSUER, "appid": APPLICATION, "appidacr": "1",
        "idtyp": "app", "oid": PRINCIPAL, "sub": PRINCIPAL, "tid": TENANT, "groups": [Uuid::from_u128(7)], "ver": "1.0"});
    assert_eq!(claims, expected);

    let identity = identity(issuer(KeySource::Static(running.authority.jwks()))).await;
    let caller = authenticate_token(&identity, token).await.unwrap();
    assert_eq!((caller.principal.0, caller.groups.len()), (PRINCIPAL, 1));
    assert_eq!(caller.application, Some(APPLICATION.to_string()));
    let expired = running.authority.issue(APPLICATION, AUDIENCE, -120).unwrap();
    assert_eq!(rejection_reason(&identity, &expired).await, "the access token has expired");
    let arm = running.authority.issue(APPLICATION, "https://management.example", 60).unwrap();
    assert_eq!(rejection_reason(&identity, &arm).await, "the access token is for another audience");
    assert!(running.authority.issue(Uuid::nil(), AUDIENCE, 60).is_err());
}

#[tokio::test]
async fn v2_access_tokens_are_accepted() {
    let settings = AuthoritySettings { access_token_version: AccessTokenVersion::V2, ..settings() };
    let running = RunningAuthority::start_with(settings, Vec::new()).await;
    let (_, answer) = running.request_token(&[]).await;
    let token = answer["access_token"].as_str().unwrap();
    let mut claims = decode_jwt_part(token, 1);
    for name in ["iat", "nbf", "exp", "uti"] {
        claims.as_object_mut().unwrap().remove(name).unwrap();
    }
    let expected = json!({"aud": AUDIENCE, "iss": ISSUER_V2, "azp": APPLICATION, "azpacr": "1", "idtyp": "app",
        "oid": PRINCIPAL, "sub": PRINCIPAL, "tid": TENANT, "groups": [Uuid::from_u128(7)], "ver": "2.0"});
    assert_eq!(claims, expected);
    let mut v2_issuer = issuer(KeySource::Static(running.authority.jwks()));
    v2_issuer.issuer = ISSUER_V2.to_owned();
    let caller = authenticate_token(&identity(v2_issuer).await, token).await.unwrap();
    assert_eq!((caller.principal.0, &caller.application), (PRINCIPAL, &Some(APPLICATION.to_string())));
}

#[tokio::test]
async fn audience_is_scope_without_last_default_suffix() {
    let running = RunningAuthority::start().await;
    for (scope, aud) in [
        ("https://management.example//.default", "https://management.example/"),
        ("https://management.example/.default", "https://management.example"),
        ("https://management.example:8443/.default", "https://management.example:8443"),
        ("https://management.example:8443//.default", "https://management.example:8443/"),
    ] {
        let (_, answer) = running.request_token(&[("scope", scope)]).await;
        assert_eq!(decode_jwt_part(answer["access_token"].as_str().unwrap(), 1)["aud"], aud);
    }
}

#[tokio::test]
async fn supports_v1_token_endpoint_and_basic_authentication() {
    let running = RunningAuthority::start().await;
    let id = APPLICATION.to_string();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", running.secret.expose_secret()),
        ("resource", AUDIENCE),
    ];
    let (status, answer) = running.post(&format!("/{TENANT}/oauth2/token"), &form).await;
    assert_eq!((status, &answer["expires_in"], &answer["resource"]), (200, &json!("3599"), &json!(AUDIENCE)));

    for (secret, expected) in [(running.secret.expose_secret(), 200), ("wrong", 401)] {
        let answer = running
            .http
            .post(format!("{}/adfs/oauth2/v2.0/token", running.base))
            .header("authorization", format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
            .form(&[("grant_type", "client_credentials"), ("scope", &format!("{AUDIENCE}/.default"))])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), expected);
        assert_eq!(answer.headers().contains_key("www-authenticate"), expected == 401);
    }
}

#[tokio::test]
async fn token_errors_have_entra_error_codes_and_format() {
    let running = RunningAuthority::start().await;
    type Changes = &'static [(&'static str, &'static str)];
    let cases: [(Changes, u16, &str, u32); 11] = [
        (&[("client_secret", "wrong")], 401, "invalid_client", 7_000_215),
        (&[("client_secret", "")], 401, "invalid_client", 7_000_218),
        (&[("client_id", "00000000-0000-0000-0000-000000000000")], 400, "unauthorized_client", 700_016),
        (&[("client_id", "nobody")], 400, "unauthorized_client", 700_016),
        (&[("client_id", "")], 400, "invalid_request", 900_144),
        (&[("grant_type", "")], 400, "invalid_request", 900_144),
        (&[("grant_type", "password")], 400, "unsupported_grant_type", 70_003),
        (&[("scope", "")], 400, "invalid_request", 900_144),
        (&[("scope", AUDIENCE)], 400, "invalid_scope", 1_002_012),
        (&[("scope", "openid https://managedhsm.example/.default")], 400, "invalid_scope", 1_002_012),
        (&[("scope", "https://vault.example/.default")], 400, "invalid_resource", 500_011),
    ];
    for (changes, status, error, number) in cases {
        let (actual, answer) = running.request_token(changes).await;
        assert_eq!((actual, &answer["error"]), (status, &json!(error)), "{changes:?} {answer}");
        assert_eq!(answer["error_codes"], json!([number]));
        let description = answer["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{number}: ")), "{description}");
        assert!(!answer.to_string().contains(running.secret.expose_secret()));
        for id in ["trace_id", "correlation_id"] {
            answer[id].as_str().unwrap().parse::<Uuid>().unwrap();
        }
        assert!(answer["timestamp"].as_str().unwrap().ends_with('Z'));
    }
    let elsewhere = Uuid::from_u128(5);
    for path in [format!("/{elsewhere}/oauth2/v2.0/token"), "/nowhere/oauth2/token".to_owned()] {
        let (status, answer) = running.post(&path, &[]).await;
        assert_eq!((status, &answer["error_codes"]), (400, &json!([90_002])), "{answer}");
    }
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let twice = [("grant_type", "client_credentials"), ("client_id", "a"), ("client_id", "b")];
    assert_eq!(running.post(&path, &twice).await.0, 400);
    let json = running.http.post(format!("{}{path}", running.base)).json(&json!({})).send().await.unwrap();
    assert_eq!(
        (json.status().as_u16(), json.json::<Value>().await.unwrap()["error"].clone()),
        (400, json!("invalid_request"))
    );
    let long = "x".repeat(70_000);
    assert_eq!(running.request_token(&[("client_secret", &long)]).await.0, 400);
}

#[tokio::test]
async fn discovery_urls_use_request_host() {
    let running = RunningAuthority::start().await;
    let base = format!("https://{HOST}/{TENANT}");
    for tenant in
        [TENANT.to_string(), TENANT.to_string().to_uppercase(), "organizations".into(), "common".into()]
    {
        let (status, v2) = running.get(&format!("/{tenant}/v2.0/.well-known/openid-configuration")).await;
        assert_eq!(status, 200);
        assert_eq!(v2["issuer"], format!("{base}/v2.0"));
        assert_eq!(v2["token_endpoint"], format!("{base}/oauth2/v2.0/token"));
        assert_eq!(v2["authorization_endpoint"], format!("{base}/oauth2/v2.0/authorize"));
        let (_, v1) = running.get(&format!("/{tenant}/.well-known/openid-configuration")).await;
        assert_eq!(
            (&v1["issuer"], &v1["token_endpoint"]),
            (&json!(ISSUER), &json!(format!("{base}/oauth2/token")))
        );
        assert_eq!(running.get(&format!("/{tenant}/discovery/keys")).await.0, 200);
        assert_eq!(running.get(&format!("/{tenant}/discovery/v2.0/keys")).await.0, 200);
    }
    let (_, adfs) = running.get("/adfs/.well-known/openid-configuration").await;
    assert_eq!(adfs["issuer"], format!("https://{HOST}/adfs"));
    assert_eq!(adfs["token_endpoint"], format!("{base}/oauth2/v2.0/token"));

    let endpoint = format!("https://login.localhost/{TENANT}/oauth2/v2.0/authorize");
    let ask = |endpoint: &str| {
        format!("/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}")
    };
    let (status, instance) = running.get(&ask(&endpoint)).await;
    let expected = format!("https://login.localhost/{TENANT}/v2.0/.well-known/openid-configuration");
    assert_eq!((status, &instance["tenant_discovery_endpoint"]), (200, &json!(expected)));
    assert_eq!(instance["metadata"][0]["aliases"], json!(["login.localhost"]));
    for (path, number) in [
        ("/nowhere/v2.0/.well-known/openid-configuration".to_owned(), 90_002),
        ("/nowhere/discovery/keys".to_owned(), 90_002),
        (ask("http://login.localhost/common"), 50_049),
        (ask("https://a@b/common"), 50_049),
        (ask("https://login.localhost/nowhere"), 90_002),
        ("/common/discovery/instance".to_owned(), 900_144),
    ] {
        let (status, answer) = running.get(&path).await;
        assert_eq!((status, &answer["error_codes"]), (400, &json!([number])), "{path}");
    }
    let odd = running
        .http
        .get(format!("{}/common/.well-known/openid-configuration", running.base))
        .header("host", "user@evil.example");
    assert_eq!(odd.send().await.unwrap().status(), 400);
}

/// Whether a token request with this client secret succeeds.
async fn accepts_secret(authority: Authority, secret: &SecretString) -> bool {
    let (address, _) = serve(Arc::new(authority).router()).await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &APPLICATION.to_string()),
        ("client_secret", secret.expose_secret()),
        ("scope", &format!("{AUDIENCE}/.default")),
    ];
    let url = format!("http://{address}/{TENANT}/oauth2/v2.0/token");
    reqwest::Client::new().post(url).form(&form).send().await.unwrap().status() == 200
}

#[tokio::test]
async fn signing_key_and_client_secrets_survive_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("authority");
    let open = || Authority::open(&path, settings()).unwrap();
    let first = open();
    let secret = first.register(client(), None, Vec::new()).unwrap();
    let keys = serde_json::to_value(first.jwks()).unwrap();
    assert_eq!(secret.expose_secret().len(), 43);
    for file in ["signing-key.pem", "clients.json"] {
        assert_eq!(std::fs::metadata(path.join(file)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(!std::fs::read_to_string(path.join("clients.json")).unwrap().contains(secret.expose_secret()));

    // Registering the same secret after a restart changes nothing.
    let second = open();
    assert_eq!(serde_json::to_value(second.jwks()).unwrap(), keys);
    second.register(client(), Some(secret.clone()), Vec::new()).unwrap();
    assert!(accepts_secret(open(), &secret).await);
    // The registrations are lost; registering the same secret restores them.
    std::fs::remove_file(path.join("clients.json")).unwrap();
    open().register(client(), Some(secret.clone()), Vec::new()).unwrap();
    assert!(accepts_secret(open(), &secret).await);
    // The secret is lost: registering without one replaces it.
    let fresh = open().register(client(), None, Vec::new()).unwrap();
    assert!(accepts_secret(open(), &fresh).await);
    assert!(!accepts_secret(open(), &secret).await);

    for file in ["clients.json", "signing-key.pem"] {
        std::fs::write(path.join(file), "broken").unwrap();
        let error = Authority::open(&path, settings()).err().unwrap().to_string();
        assert!(error.contains(file), "{error}");
    }
    assert!(Authority::open(&path, AuthoritySettings { lifetime: Duration::ZERO, ..settings() }).is_err());
}

#[test]
fn private_files_are_replaced_atomically_with_mode_0600() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("connection.json");
    // A temporary file that a crash left, readable by all.
    std::fs::write(directory.path().join(".connection.json.new"), "half").unwrap();
    for content in ["one", "two"] {
        files::write(&path, content.as_bytes(), files::PRIVATE).unwrap();
        assert_eq!(files::read(&path).unwrap().unwrap().as_slice(), content.as_bytes());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    assert!(files::read(&directory.path().join("none")).unwrap().is_none());
    assert!(files::write(Path::new("/"), b"", files::PRIVATE).is_err());
}
