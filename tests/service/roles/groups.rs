//! Roles of groups: a group is what a token of a trusted issuer says its bearer is a member of.
//!
//! The issuer is made here, with RustCrypto: the simulator's own knows no groups.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::clock_service_client::ClockServiceClient;
use tonic::Code;
use tonic::transport::Channel;

use super::ask::{CRYPTO_USER, assign, check, fails, guid, not_granted, sign, unassign};
use crate::support::{Client, Server, days, ec};

const TENANT: &str = "80f21547-34fa-57ae-8d8d-ff24c182a929";
const OTHER_TENANT: &str = "7e4a0000-0000-4000-8000-000000000001";
const AUDIENCE: &str = "https://managedhsm.example";

/// An issuer that signs with ES256.
struct Issuer(SigningKey);

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `iss` of the issuer, which speaks for several tenants.
fn name(tenant: &str) -> String {
    format!("https://sts.example/{tenant}/")
}

impl Issuer {
    fn new() -> Self {
        Self(SigningKey::from_slice(&rand::random::<[u8; 32]>()).unwrap())
    }

    fn key_set(&self) -> Value {
        let point = self.0.verifying_key().to_sec1_point(false);
        let (x, y) = (encode(point.x().unwrap()), encode(point.y().unwrap()));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "x": x, "y": y}]})
    }

    fn token(&self, tenant: &str, principal: &str, groups: &Value) -> String {
        let now = jsonwebtoken::get_current_timestamp();
        let header = json!({"typ": "JWT", "alg": "ES256", "kid": "1"});
        let claims = json!({"iss": name(tenant), "aud": AUDIENCE, "tid": tenant, "oid": principal,
            "iat": now, "nbf": now, "exp": now + 600, "groups": groups});
        let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature: Signature = self.0.sign(message.as_bytes());
        format!("{message}.{}", encode(signature.to_bytes()))
    }
}

/// A simulator that believes the issuer, for the HSM's tenant and for another.
fn server(issuer: &Issuer) -> Server {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys.json");
    std::fs::write(&keys, issuer.key_set().to_string()).unwrap();
    let mut config = String::new();
    for tenant in [TENANT, OTHER_TENANT] {
        config += &format!(
            "[[identity.issuers]]\nissuer = {:?}\naudiences = [{AUDIENCE:?}]\ntenant = {tenant:?}\n\
             jwks_file = {keys:?}\n\n",
            name(tenant)
        );
    }
    let file = directory.path().join("strongroom.toml");
    std::fs::write(&file, config).unwrap();
    let file = file.to_str().unwrap().to_owned();
    Server::start_in(directory, &["--config", &file], &[])
}

#[tokio::test]
async fn members_may_what_their_groups_may() {
    let issuer = Issuer::new();
    let server = server(&issuer);
    let mut dev = server.client("dev").await;
    for key in ["books", "letters"] {
        dev.create(ec(key, "P-256")).await.unwrap();
    }
    let channel = server.channel().await;
    let bearer = |principal: u32, groups: Value| {
        let token = issuer.token(TENANT, &guid(principal), &groups);
        Client::new(channel.clone(), Some(&token))
    };
    let (accountants, clerks) = (guid(100), guid(101));
    let mut ann = bearer(1, json!([guid(999), accountants]));
    let mut bob = bearer(2, json!([accountants, clerks]));
    let mut eve = bearer(3, json!([clerks]));
    let mut loner = bearer(4, Value::Null);
    let mut odd = bearer(5, json!({"not": "a list"}));
    for who in [&mut ann, &mut bob, &mut eve, &mut loner, &mut odd] {
        not_granted(sign(who, "books").await);
    }

    let given = assign(&mut dev, CRYPTO_USER, &accountants, "/keys/books").await;
    sign(&mut ann, "books").await.unwrap();
    sign(&mut bob, "books").await.unwrap();
    not_granted(sign(&mut ann, "letters").await);
    for who in [&mut eve, &mut loner, &mut odd] {
        not_granted(sign(who, "books").await);
    }
    // The same people with another token are what that token says.
    not_granted(sign(&mut bearer(1, json!([])), "books").await);
    sign(&mut bearer(4, json!([accountants.to_uppercase()])), "books").await.unwrap();

    // Groups and own roles add up, and the answer to "why" agrees.
    assign(&mut dev, CRYPTO_USER, &guid(1), "/keys/letters").await;
    sign(&mut ann, "letters").await.unwrap();
    sign(&mut ann, "books").await.unwrap();
    let by_group = check(&mut dev, &guid(1), &[&accountants], "keys/sign", "/keys/books").await;
    assert_eq!((by_group.allowed, by_group.role_assignment), (true, Some(given.clone())));
    let alone = check(&mut dev, &guid(1), &[&clerks], "keys/sign", "/keys/books").await;
    assert!(!alone.allowed, "{alone:?}");

    // A token that was verified before the role was taken away is verified still, and lets nobody in.
    unassign(&mut dev, &given.name).await;
    not_granted(sign(&mut ann, "books").await);
    not_granted(sign(&mut bob, "books").await);
    sign(&mut ann, "letters").await.unwrap();
}

#[tokio::test]
async fn another_tenant_is_kept_out_whatever_is_assigned() {
    let issuer = Issuer::new();
    let server = server(&issuer);
    let mut dev = server.client("dev").await;
    dev.create(ec("books", "P-256")).await.unwrap();
    assign(&mut dev, CRYPTO_USER, &guid(1), "/").await;
    assign(&mut dev, CRYPTO_USER, &guid(100), "/").await;

    let channel = server.channel().await;
    let at_home = issuer.token(TENANT, &guid(1), &json!([guid(100)]));
    sign(&mut Client::new(channel.clone(), Some(&at_home)), "books").await.unwrap();
    let abroad = issuer.token(OTHER_TENANT, &guid(1), &json!([guid(100)]));
    let refused = sign(&mut Client::new(channel, Some(&abroad)), "books").await;
    fails(refused, Code::Unauthenticated, "UNAUTHENTICATED");
}

#[tokio::test]
async fn principals_of_another_issuer_may_not_call_the_simulators_own_services() {
    let issuer = Issuer::new();
    let server = server(&issuer);
    let channel = server.channel().await;
    let before = clock(&channel, &server.token("dev").await).await.unwrap();
    let token = issuer.token(TENANT, &server.principal("dev").object_id, &Value::Null);
    for refused in [clock(&channel, &token).await, advance(&channel, &token).await] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
        assert!(refused.message().contains("its authority only"), "{refused:?}");
    }
    let after = clock(&channel, &server.token("dev").await).await.unwrap();
    assert!(after.seconds - before.seconds < 3_600, "{before:?} {after:?}");
}

fn bearing<T>(message: T, token: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

async fn clock(channel: &Channel, token: &str) -> Result<prost_types::Timestamp, tonic::Status> {
    let request = bearing(pb::GetClockRequest::default(), token);
    let face = ClockServiceClient::new(channel.clone()).get_clock(request).await?.into_inner();
    Ok(face.now.unwrap())
}

async fn advance(channel: &Channel, token: &str) -> Result<prost_types::Timestamp, tonic::Status> {
    ClockServiceClient::new(channel.clone()).advance_clock(bearing(days(1), token)).await?;
    Ok(prost_types::Timestamp::default())
}
