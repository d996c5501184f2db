//! Tests the validation of access tokens and the claims read from them.

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use strongroom::identity::{Audience, Caller, Credential, Identity, KeySource, Settings};
use strongroom::model::Error;
use strongroom::model::name::PrincipalId;
use uuid::Uuid;

use crate::support::*;

/// An identity that trusts one RSA key (`rsa`) and one P-256 key (`ec`).
async fn identity_with_keys() -> (Identity, Signer, Signer) {
    let (rsa, ec) = (Signer::rsa(), Signer::p256());
    let identity = identity(issuer(fixed_keys(&[rsa.jwk("rsa"), ec.jwk("ec")]))).await;
    (identity, rsa, ec)
}

#[tokio::test]
async fn valid_access_token_authenticates_its_principal() {
    let (identity, rsa, ec) = identity_with_keys().await;
    let group = Uuid::from_u128(7);
    let token =
        rsa.token("rsa", &claims(json!({"groups": [group, "not-a-guid", 5, group], "upn": "ada@example"})));
    let expected = Caller {
        principal: PrincipalId(PRINCIPAL),
        groups: vec![PrincipalId(group)],
        tenant: TENANT,
        from_simulator_authority: false,
        audiences: vec![Audience::Service],
        application: Some("app".into()),
        user: Some("ada@example".into()),
    };
    assert_eq!(*authenticate_token(&identity, &token).await.unwrap(), expected);

    let v2 =
        json!({"appid": null, "azp": "other", "preferred_username": "ada", "groups": "none", "ver": "2.0"});
    let caller = authenticate_token(&identity, &ec.token("ec", &claims(v2))).await.unwrap();
    assert_eq!((caller.application.as_deref(), caller.user.as_deref()), (Some("other"), Some("ada")));
    assert!(caller.groups.is_empty());
    assert_eq!(caller.record().principal, PrincipalId(PRINCIPAL));
}

#[tokio::test]
async fn audience_matches_with_trailing_slash_and_in_lists() {
    let (identity, _, ec) = identity_with_keys().await;
    for aud in [json!(format!("{AUDIENCE}/")), json!(["https://else.example", AUDIENCE])] {
        authenticate_token(&identity, &ec.token("ec", &claims(json!({ "aud": aud })))).await.unwrap();
    }
    for aud in [
        json!(format!("{AUDIENCE}//")),
        json!(AUDIENCE.to_uppercase()),
        json!("https://managedhsm.example.net"),
    ] {
        let why = rejection_reason(&identity, &ec.token("ec", &claims(json!({ "aud": aud })))).await;
        assert_eq!(why, "the access token is for another audience", "{aud}");
    }
}

#[tokio::test]
async fn audience_is_valid_for_one_plane_only() {
    let (identity, _, ec) = identity_with_keys().await;
    let planes =
        [(AUDIENCE, Audience::Service), (VAULTS, Audience::Vault), (MANAGEMENT, Audience::Management)];
    for (aud, expected) in planes {
        let token = ec.token("ec", &claims(json!({ "aud": aud })));
        for audience in Audience::ALL {
            match identity.authenticate(Credential::AccessToken(&token), &[audience]).await {
                Ok(caller) => assert_eq!((audience, &caller.audiences), (expected, &vec![expected])),
                Err(Error::Unauthenticated { why }) => {
                    assert_eq!(why, "the access token is for another audience");
                    assert_ne!(audience, expected, "{aud}");
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    // A request that may address several planes accepts the tokens of each.
    let token = ec.token("ec", &claims(json!({ "aud": VAULTS })));
    let several = [Audience::Service, Audience::Vault];
    identity.authenticate(Credential::AccessToken(&token), &several).await.unwrap();
}

#[tokio::test]
async fn exp_and_nbf_have_sixty_seconds_of_leeway() {
    let (identity, _, ec) = identity_with_keys().await;
    let token = |changes| ec.token("ec", &claims(changes));
    authenticate_token(&identity, &token(json!({"exp": now() - 30}))).await.unwrap();
    authenticate_token(&identity, &token(json!({"nbf": now() + 30}))).await.unwrap();
    authenticate_token(&identity, &token(json!({"nbf": null}))).await.unwrap();
    authenticate_token(&identity, &token(json!({"exp": 1e12}))).await.unwrap();
    authenticate_token(&identity, &token(json!({"exp": (now() + 9) as f64 + 0.5}))).await.unwrap();
    assert_eq!(
        rejection_reason(&identity, &token(json!({"exp": now() - 90}))).await,
        "the access token has expired"
    );
    assert_eq!(
        rejection_reason(&identity, &token(json!({"nbf": now() + 90}))).await,
        "the access token is not valid yet"
    );
    let malformed = "the access token's claims are incomplete or malformed";
    for changes in
        [json!({"exp": null}), json!({"exp": "later"}), json!({"nbf": "soon"}), json!({"aud": null})]
    {
        assert_eq!(rejection_reason(&identity, &token(changes.clone())).await, malformed, "{changes}");
    }
}

#[tokio::test]
async fn rejects_untrusted_issuer_tenant_or_signature() {
    let (identity, _, ec) = identity_with_keys().await;
    let untrusted = "the access token's issuer is not trusted";
    let tenant = "the access token is of another tenant";
    let unnamed = "the access token does not name its principal by object id (oid, a GUID)";
    let malformed = "the access token is not a signed JSON Web Token of an accepted algorithm";
    for (changes, expected) in [
        (json!({"iss": "https://sts.example/tenant"}), untrusted),
        (json!({"iss": "https://evil.example/"}), untrusted),
        (json!({"iss": [ISSUER]}), malformed),
        (json!({"iss": null}), malformed),
        (json!({"tid": Uuid::from_u128(9)}), tenant),
        (json!({"tid": "here"}), tenant),
        (json!({"tid": null}), "the access token does not name its tenant (tid)"),
        (json!({"oid": null}), unnamed),
        (json!({"oid": "ada"}), unnamed),
    ] {
        assert_eq!(
            rejection_reason(&identity, &ec.token("ec", &claims(changes.clone()))).await,
            expected,
            "{changes}"
        );
    }
    // The key id of a trusted key, signed with another key.
    let forged = Signer::p256().token("ec", &claims(json!({})));
    assert_eq!(rejection_reason(&identity, &forged).await, "the access token's signature is invalid");
}

#[tokio::test]
async fn rejects_tampered_and_malformed_tokens() {
    let (identity, rsa, ec) = identity_with_keys().await;
    for (signer, kid) in [(&rsa, "rsa"), (&ec, "ec")] {
        let token = signer.token(kid, &claims(json!({})));
        let parts: Vec<&str> = token.split('.').collect();
        let other = encode(claims(json!({"oid": Uuid::from_u128(666)})).to_string());
        let wrong = "the access token's signature is invalid";
        assert_eq!(rejection_reason(&identity, &format!("{}.{other}.{}", parts[0], parts[2])).await, wrong);
        let mut signature = signer.sign(format!("{}.{}", parts[0], parts[1]).as_bytes());
        signature[20] ^= 1;
        assert_eq!(
            rejection_reason(&identity, &format!("{}.{}.{}", parts[0], parts[1], encode(&signature))).await,
            wrong
        );
        for broken in
            ["", ".", "..", "a.b.c", parts[0], &token[1..], &format!("{token}."), &format!("{token}.x")]
        {
            rejection_reason(&identity, broken).await;
        }
        rejection_reason(&identity, &format!("{}.{}.", parts[0], parts[1])).await;
    }
}

#[tokio::test]
async fn rejects_algorithm_confusion_and_embedded_keys() {
    let (identity, rsa, ec) = identity_with_keys().await;
    let malformed = "the access token is not a signed JSON Web Token of an accepted algorithm";
    let body = claims(json!({}));
    for alg in ["none", "None", "", "HS256", "HS512", "RS384", "PS256", "ES384", "EdDSA"] {
        let message = unsigned(&json!({"alg": alg, "kid": "rsa"}), &body);
        assert_eq!(rejection_reason(&identity, &format!("{message}.")).await, malformed, "{alg}");
    }
    // The public key as a shared secret.
    let public = rsa.jwk("rsa").to_string();
    for secret in [public.as_bytes(), rsa.jwk("rsa")["n"].as_str().unwrap().as_bytes()] {
        let message = unsigned(&json!({"alg": "HS256", "kid": "rsa"}), &body);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        assert_eq!(rejection_reason(&identity, &format!("{message}.{}", encode(tag))).await, malformed);
    }
    // An algorithm that does not match the key id; a key embedded in the token; critical headers.
    let unknown = "the access token names a signing key that its issuer does not publish";
    assert_eq!(rejection_reason(&identity, &ec.token("rsa", &body)).await, unknown);
    let own = Signer::p256();
    let carried = own.token_with(&json!({"alg": "ES256", "jwk": own.jwk("ec")}), &body);
    assert_eq!(rejection_reason(&identity, &carried).await, "the access token's signature is invalid");
    let critical = ec.token_with(&json!({"alg": "ES256", "kid": "ec", "crit": ["b64"], "b64": false}), &body);
    assert_eq!(
        rejection_reason(&identity, &critical).await,
        "the access token has unsupported critical headers (crit)"
    );
    // Without a key id, every key of the type is tried.
    authenticate_token(&identity, &ec.token_with(&json!({"alg": "ES256"}), &body)).await.unwrap();
}

#[tokio::test]
async fn rejects_oversized_tokens_and_invalid_headers() {
    let (identity, _, ec) = identity_with_keys().await;
    let long = ec.token("ec", &claims(json!({"padding": "x".repeat(16 * 1024)})));
    assert_eq!(rejection_reason(&identity, &long).await, "the access token is longer than 16 KiB");
    assert_eq!(identity.verifications(), 0);

    let not_bearer =
        Err(Error::Unauthenticated { why: "the authorization header does not contain a bearer token" });
    for header in [&b"Bearer \xff\xfe"[..], b"Basic YTpi", b"Bearer", b"", b"token"] {
        let refused = Credential::presented(Some(header), Some(b"certificate")).map(|_| ());
        assert_eq!(refused, not_bearer, "{header:?}");
    }
    let both = Credential::presented(Some(b"bEARER  abc"), Some(b"certificate")).unwrap();
    assert!(matches!(both, Credential::AccessToken("abc")));
    assert_eq!(format!("{both:?}"), "Bearer(…)");
    assert!(matches!(Credential::presented(None, Some(b"x")).unwrap(), Credential::Certificate(b"x")));
    assert!(matches!(Credential::presented(None, None).unwrap(), Credential::None));
    assert!(identity.authenticate(Credential::None, &Audience::ALL).await.is_err());
}

#[tokio::test]
async fn only_successful_verifications_are_cached() {
    let (identity, _, ec) = identity_with_keys().await;
    let token = ec.token("ec", &claims(json!({})));
    let first = authenticate_token(&identity, &token).await.unwrap();
    let again = authenticate_token(&identity.clone(), &token).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &again));
    assert_eq!(identity.verifications(), 1);
    // The last character of a P-256 signature has four unused bits, which must not yield a second valid token.
    let mut variant = token.clone();
    let last = variant.pop().unwrap();
    variant.push(if last == 'A' { 'B' } else { 'A' });
    rejection_reason(&identity, &variant).await;
    rejection_reason(&identity, &variant).await;
    assert_eq!(identity.verifications(), 3);
}

#[tokio::test]
async fn cached_token_expires() {
    let key = Signer::p256();
    let mut strict = issuer(fixed_keys(&[key.jwk("ec")]));
    strict.leeway_seconds = 0;
    let identity = identity(strict).await;
    let token = key.token("ec", &claims(json!({"exp": now() + 1})));
    authenticate_token(&identity, &token).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "the token expires by the machine's clock")]
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    assert_eq!(rejection_reason(&identity, &token).await, "the access token has expired");
}

#[tokio::test]
async fn optional_tenant_claim_must_match_if_present() {
    let key = Signer::p256();
    let mut lax = issuer(fixed_keys(&[key.jwk("ec")]));
    lax.tenant_claim_required = false;
    let identity = identity(lax).await;
    let caller =
        authenticate_token(&identity, &key.token("ec", &claims(json!({"tid": null})))).await.unwrap();
    assert_eq!(caller.tenant, TENANT);
    rejection_reason(&identity, &key.token("ec", &claims(json!({"tid": Uuid::from_u128(9)})))).await;
}

#[tokio::test]
async fn rejects_insecure_issuer_settings() {
    let key = Signer::p256().jwk("ec");
    let good = || issuer(fixed_keys(std::slice::from_ref(&key)));
    type Change = fn(&mut strongroom::identity::Issuer);
    let bad: [(&str, Change); 9] = [
        ("no audience", |issuer| issuer.audiences.clear()),
        ("an empty audience", |issuer| issuer.audiences.push(String::new())),
        ("an empty audience of vaults", |issuer| issuer.vault_audiences.push(String::new())),
        ("no issuer", |issuer| issuer.issuer.clear()),
        ("no algorithm", |issuer| issuer.algorithms.clear()),
        ("leeway", |issuer| issuer.leeway_seconds = 301),
        ("a CA for nothing", |issuer| issuer.ca_file = Some("ca.pem".into())),
        ("plain http", |issuer| issuer.keys = KeySource::JwksUrl("http://sts.example/keys".into())),
        ("no such file", |issuer| issuer.keys = KeySource::JwksFile("/nonexistent".into())),
    ];
    for (what, change) in bad {
        let mut issuer = good();
        change(&mut issuer);
        let settings = Settings { issuers: vec![issuer], ..Default::default() };
        assert!(Identity::new(settings).await.is_err(), "{what}");
    }
    let twice = Settings { issuers: vec![good(), good()], ..Default::default() };
    assert!(Identity::new(twice).await.is_err());
}

#[test]
fn parses_toml_settings_and_rejects_unknown_fields() {
    let text = r#"
        [[issuers]]
        issuer = "https://sts.windows.net/7e4a0000-0000-4000-8000-000000000001/"
        audiences = ["https://managedhsm.azure.net"]
        tenant = "7e4a0000-0000-4000-8000-000000000001"
        keys = { jwks_url = "https://login.microsoftonline.com/common/discovery/keys" }

        [[certificates]]
        subject = "CN=payroll"
        principal = "0b1ec700-0000-4000-8000-000000000002"
        tenant = "7e4a0000-0000-4000-8000-000000000001"
    "#;
    let settings: Settings = toml::from_str(text).unwrap();
    let issuer = &settings.issuers[0];
    assert_eq!((issuer.leeway_seconds, issuer.tenant_claim_required, issuer.algorithms.len()), (60, true, 2));
    assert!(matches!(&issuer.keys, KeySource::JwksUrl(_)));
    for (good, bad) in [
        ("audiences", "audience"),
        ("jwks_url", "given"),
        ("subject", "subjekt"),
        ("tenant = ", "algorithms = [\"HS256\"]\ntenant = "),
    ] {
        assert!(toml::from_str::<Settings>(&text.replacen(good, bad, 1)).is_err(), "{bad}");
    }
    let empty: Value = json!({});
    assert!(serde_json::from_value::<Settings>(empty).unwrap().issuers.is_empty());
}
