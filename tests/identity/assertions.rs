//! Tests client authentication with certificates: assertions signed by another implementation, over HTTP.

use rsa::pkcs8::DecodePrivateKey;
use rsa::sha2::{Digest as _, Sha256};
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Signer as _};
use serde_json::{Value, json};
use strongroom::simulator::authority::{ClientCertificate, ensure_certificate};

use crate::authority::{APPLICATION, HOST, RunningAuthority, decode_jwt_part, settings};
use crate::support::*;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client's key and certificate.
struct ClientKey {
    key: rsa::RsaPrivateKey,
    der: Vec<u8>,
    pem: String,
}

impl ClientKey {
    fn new() -> Self {
        Self::valid_between((2020, 2090))
    }

    /// Creates a certificate that is valid from the first day of one year to the first day of another.
    fn valid_between((from, until): (i32, i32)) -> Self {
        let pair =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let certificate = params.self_signed(&pair).unwrap();
        Self {
            key: rsa::RsaPrivateKey::from_pkcs8_der(pair.serialized_der()).unwrap(),
            der: certificate.der().to_vec(),
            pem: certificate.pem(),
        }
    }

    fn certificate(&self) -> ClientCertificate {
        ClientCertificate::from_pem(self.pem.as_bytes()).unwrap()
    }

    fn sha1(&self) -> String {
        encode(<sha1::Sha1 as sha1::Digest>::digest(&self.der))
    }

    fn sha256(&self) -> String {
        encode(Sha256::digest(&self.der))
    }

    /// Signs with the algorithm in the header.
    fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let key = self.key.clone();
        let signature = if header["alg"] == "PS256" {
            let key = rsa::pss::SigningKey::<Sha256>::new(key);
            key.sign_with_rng(&mut rand::thread_rng(), message.as_bytes()).to_vec()
        } else {
            rsa::pkcs1v15::SigningKey::<Sha256>::new(key).sign(message.as_bytes()).to_vec()
        };
        format!("{message}.{}", encode(signature))
    }

    /// An assertion as MSAL for Python creates it: RS256, with a padded SHA-1 thumbprint.
    fn assertion(&self, changes: Value) -> String {
        self.sign(
            &json!({"typ": "JWT", "alg": "RS256", "x5t": format!("{}=", self.sha1())}),
            &claims_of(changes),
        )
    }
}

/// The claims of a valid assertion. `changes` replaces members; null removes one.
fn claims_of(changes: Value) -> Value {
    let mut claims = json!({"aud": format!("https://{HOST}/{TENANT}/oauth2/v2.0/token"), "iss": APPLICATION,
        "sub": APPLICATION, "exp": now() as f64 + 599.5, "iat": now() as f64 + 0.25, "jti": "f2f1"});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    claims
}

async fn present(running: &RunningAuthority, assertion: &str) -> (u16, Value) {
    let proof =
        [("client_secret", ""), ("client_assertion_type", JWT_BEARER), ("client_assertion", assertion)];
    running.request_token(&proof).await
}

async fn start(certificates: &[&ClientKey]) -> RunningAuthority {
    RunningAuthority::start_with(settings(), certificates.iter().map(|client| client.certificate()).collect())
        .await
}

#[tokio::test]
async fn accepts_rs256_and_ps256_with_either_thumbprint() {
    let (client, second) = (ClientKey::new(), ClientKey::new());
    let running = start(&[&client, &second]).await;
    for header in [
        json!({"alg": "RS256", "x5t": client.sha1()}),
        json!({"alg": "RS256", "x5t": format!("{}=", client.sha1()), "typ": "JWT"}),
        json!({"alg": "PS256", "x5t#S256": client.sha256(), "x5c": ["ignored"]}),
        json!({"alg": "RS256", "x5t": client.sha1(), "x5t#S256": client.sha256()}),
    ] {
        let (status, answer) = present(&running, &client.sign(&header, &claims_of(json!({})))).await;
        assert_eq!(status, 200, "{header} {answer}");
        let claims = decode_jwt_part(answer["access_token"].as_str().unwrap(), 1);
        assert_eq!((&claims["appid"], &claims["appidacr"]), (&json!(APPLICATION), &json!("2")));
    }
    // As the asynchronous client for Python sends it: every part is padded, and the padding is signed.
    let padded = |part: String| format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4));
    let header = json!({"alg": "PS256", "x5t#S256": padded(client.sha256())});
    let message = format!(
        "{}.{}",
        padded(encode(header.to_string())),
        padded(encode(claims_of(json!({})).to_string()))
    );
    let key = rsa::pss::SigningKey::<Sha256>::new(client.key.clone());
    let signature = key.sign_with_rng(&mut rand::thread_rng(), message.as_bytes()).to_vec();
    let (status, answer) = present(&running, &format!("{message}.{}", padded(encode(signature)))).await;
    assert_eq!(status, 200, "{answer}");
    for changes in [
        json!({"aud": format!("https://LOGIN.localhost/{TENANT}/oauth2/v2.0/token")}),
        json!({"aud": format!("https://login.example:1/{TENANT}/oauth2/token")}),
        json!({"aud": format!("https://login.example/{TENANT}/v2.0")}),
        json!({"aud": "https://login.localhost/adfs/oauth2/v2.0/token"}),
        json!({"aud": ["https://elsewhere.example", format!("https://{HOST}/{TENANT}/oauth2/v2.0/token")]}),
        json!({"iss": APPLICATION.to_string().to_uppercase()}),
        json!({"jti": null, "iat": null}),
        json!({"nbf": now() + 30, "exp": now() + 60}),
        json!({"exp": now() - 30}),
    ] {
        let (status, answer) = present(&running, &second.assertion(changes.clone())).await;
        assert_eq!(status, 200, "{changes} {answer}");
    }
    // MSAL for Python uses one assertion for several token requests.
    let assertion = client.assertion(json!({}));
    for scope in ["https://managedhsm.example/.default", "https://management.example/.default"] {
        let proof = [
            ("client_secret", ""),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion.as_str()),
            ("scope", scope),
        ];
        assert_eq!(running.request_token(&proof).await.0, 200, "{scope}");
    }
    let id = APPLICATION.to_string();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion.as_str()),
        ("resource", AUDIENCE),
    ];
    assert_eq!(running.post(&format!("/{TENANT}/oauth2/token"), &form).await.0, 200);
    // The client secret is still accepted.
    assert_eq!(running.request_token(&[]).await.0, 200);
}

#[tokio::test]
async fn rejects_invalid_client_assertions_with_entra_error_codes() {
    let (client, unregistered) = (ClientKey::new(), ClientKey::new());
    let (expired, future) = (ClientKey::valid_between((2000, 2001)), ClientKey::valid_between((2080, 2090)));
    let running = start(&[&client, &expired, &future]).await;
    let good = client.assertion(json!({}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let named = |by: &ClientKey| json!({"alg": "RS256", "x5t": by.sha1()});
    let claims = claims_of(json!({}));
    let mut other = signature.as_bytes().to_vec();
    other[9] = if other[9] == b'A' { b'B' } else { b'A' };
    let other = String::from_utf8(other).unwrap();
    let with = |changes| client.assertion(changes);
    let header = |header| client.sign(&header, &claims);
    let cases = [
        ("no token", "x".to_owned(), 50_027),
        ("dots", "..".to_owned(), 50_027),
        ("no signature", format!("{message}."), 700_027),
        ("another signature", format!("{message}.{other}"), 700_027),
        (
            "alg none",
            format!("{}.", unsigned(&json!({"alg": "none", "x5t": client.sha1()}), &claims)),
            50_027,
        ),
        ("a shared secret", header(json!({"alg": "HS256", "x5t": client.sha1()})), 5_002_738),
        ("RS512", header(json!({"alg": "RS512", "x5t": client.sha1()})), 5_002_738),
        ("PS256 header, RS256 signature", sign_rs256_with_header(&client, "PS256"), 700_027),
        ("no thumbprint", header(json!({"alg": "RS256", "kid": client.sha1()})), 5_002_723),
        ("an invalid thumbprint", header(json!({"alg": "RS256", "x5t": "%"})), 700_027),
        ("a long thumbprint", header(json!({"alg": "RS256", "x5t": "A".repeat(20_000)})), 700_027),
        ("no certificate", unregistered.sign(&named(&unregistered), &claims), 700_027),
        ("another's signature", unregistered.sign(&named(&client), &claims), 700_027),
        (
            "an embedded certificate",
            unregistered.sign(
                &json!({"alg": "RS256", "x5t": unregistered.sha1(), "x5c": [encode(&unregistered.der)]}),
                &claims,
            ),
            700_027,
        ),
        (
            "two certificates",
            header(json!({"alg": "RS256", "x5t": client.sha1(), "x5t#S256": expired.sha256()})),
            700_027,
        ),
        (
            "an unknown critical header",
            header(json!({"alg": "RS256", "x5t": client.sha1(), "crit": ["exp"]})),
            50_027,
        ),
        ("an expired certificate", expired.sign(&named(&expired), &claims), 700_027),
        ("a certificate that is not yet valid", future.sign(&named(&future), &claims), 700_027),
        ("expired", with(json!({"exp": now() - 120})), 700_024),
        ("not yet valid", with(json!({"nbf": now() + 120})), 700_024),
        ("nbf out of range", with(json!({"nbf": 1e300})), 700_024),
        ("no expiry", with(json!({"exp": null})), 50_027),
        ("malformed expiry", with(json!({"exp": "soon"})), 50_027),
        ("no issuer", with(json!({"iss": null})), 50_027),
        ("another issuer", with(json!({"iss": PRINCIPAL})), 700_021),
        ("another subject", with(json!({"sub": PRINCIPAL})), 700_021),
        ("no audience", with(json!({"aud": null})), 50_027),
        ("empty audience", with(json!({"aud": []})), 700_023),
        (
            "another host",
            with(json!({"aud": format!("https://login.evil.example/{TENANT}/oauth2/v2.0/token")})),
            700_023,
        ),
        (
            "another tenant",
            with(json!({"aud": format!("https://{HOST}/{PRINCIPAL}/oauth2/v2.0/token")})),
            700_023,
        ),
        (
            "another path",
            with(json!({"aud": format!("https://{HOST}/{TENANT}/oauth2/v2.0/authorize")})),
            700_023,
        ),
        ("no TLS", with(json!({"aud": format!("http://{HOST}/{TENANT}/oauth2/v2.0/token")})), 700_023),
        ("the audience of a resource", with(json!({"aud": AUDIENCE})), 700_023),
    ];
    for (what, assertion, number) in cases {
        let (status, answer) = present(&running, &assertion).await;
        assert_eq!((status, &answer["error_codes"]), (401, &json!([number])), "{what}: {answer}");
        assert_eq!(answer["error"], "invalid_client", "{what}");
        assert!(answer.to_string().len() < 2000, "{what}");
        // The error does not quote the assertion.
        assert!(
            assertion.split('.').all(|part| part.len() < 8 || !answer.to_string().contains(part)),
            "{what}"
        );
    }
    let (_, answer) = present(&running, &unregistered.sign(&named(&unregistered), &claims)).await;
    let thumbprint: String = <sha1::Sha1 as sha1::Digest>::digest(&unregistered.der)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    assert!(answer["error_description"].as_str().unwrap().contains(&thumbprint), "{answer}");
    assert!(answer["error_description"].as_str().unwrap().contains("The key was not found."), "{answer}");

    let proof = [("client_secret", ""), ("client_assertion", good.as_str())];
    assert_eq!(running.request_token(&proof).await.1["error_codes"], json!([900_144]));
    let (status, answer) =
        running.request_token(&[proof[0], proof[1], ("client_assertion_type", "saml")]).await;
    assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")));
    // An assertion for an application without certificates.
    let running = RunningAuthority::start().await;
    assert_eq!(present(&running, &good).await.1["error_codes"], json!([700_027]));
}

/// An assertion signed with RS256 whose header names another algorithm.
fn sign_rs256_with_header(client: &ClientKey, algorithm: &str) -> String {
    let message = unsigned(&json!({"alg": algorithm, "x5t": client.sha1()}), &claims_of(json!({})));
    let signature = rsa::pkcs1v15::SigningKey::<Sha256>::new(client.key.clone()).sign(message.as_bytes());
    format!("{message}.{}", encode(signature.to_vec()))
}

#[test]
fn client_certificate_is_generated_once_and_renewed() {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("dev.pem");
    let made = ensure_certificate(&file, "dev").unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(ensure_certificate(&file, "dev").unwrap(), made);
    let pem = std::fs::read_to_string(&file).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----") && pem.contains("-----BEGIN CERTIFICATE-----"));
    let verified = std::process::Command::new("openssl")
        .args(["x509", "-noout", "-checkend", "86400", "-in"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");

    std::fs::write(&file, ClientKey::valid_between((2000, 2001)).pem).unwrap();
    let renewed = ensure_certificate(&file, "dev").unwrap();
    assert!(renewed != made && std::fs::read_to_string(&file).unwrap() != pem);
    std::fs::write(&file, "broken").unwrap();
    assert!(ensure_certificate(&file, "dev").unwrap_err().to_string().contains("dev.pem"));
    assert!(!format!("{made:?}").contains("PRIVATE"));

    let elliptic = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem();
    for bad in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &elliptic] {
        assert!(ClientCertificate::from_pem(bad.as_bytes()).is_err(), "{bad}");
    }
}
