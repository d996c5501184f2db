//! Roles of groups: the `groups` claim of an access token from a trusted issuer names the groups of its principal.
//!
//! The issuer is implemented here, with RustCrypto: the simulator's authority has no groups.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::clock_service_client::ClockServiceClient;
use tonic::Code;
use tonic::transport::Channel;

use super::support::{
    CRYPTO_USER, assert_grpc_error, assert_not_granted, assign, check, guid, sign, unassign,
};
use crate::support::{Client, Server, days, ec};

const TENANT: &str = "80f21547-34fa-57ae-8d8d-ff24c182a929";
const OTHER_TENANT: &str = "7e4a0000-0000-4000-8000-000000000001";
const AUDIENCE: &str = "https://managedhsm.example";

/// An issuer that signs with ES256.
struct Issuer(SigningKey);

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns the `iss` claim of the issuer for a tenant: it serves several.
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

/// Starts a simulator that trusts the issuer, for the HSM's tenant and for another.
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
async fn members_have_the_roles_of_their_groups() {
    let issuer = Issuer::new();
    let server = server(&issuer);
    let mut dev = server.client("dev").await;
    for key in ["books", "letters"] {
        dev.create(ec(key, "P-256")).await.unwrap();
    }
    let channel = server.channel().await;
    let member = |principal: u32, groups: Value| {
        let token = issuer.token(TENANT, &guid(principal), &groups);
        Client::new(channel.clone(), Some(&token))
    };
    let (accountants, clerks) = (guid(100), guid(101));
    let mut ann = member(1, json!([guid(999), accountants]));
    let mut bob = member(2, json!([accountants, clerks]));
    let mut eve = member(3, json!([clerks]));
    let mut without_groups = member(4, Value::Null);
    let mut malformed = member(5, json!({"not": "a list"}));
    for client in [&mut ann, &mut bob, &mut eve, &mut without_groups, &mut malformed] {
        assert_not_granted(sign(client, "books").await);
    }

    let assigned = assign(&mut dev, CRYPTO_USER, &accountants, "/keys/books").await;
    sign(&mut ann, "books").await.unwrap();
    sign(&mut bob, "books").await.unwrap();
    assert_not_granted(sign(&mut ann, "letters").await);
    for client in [&mut eve, &mut without_groups, &mut malformed] {
        assert_not_granted(sign(client, "books").await);
    }
    // With another token, the same principal has the groups of that token.
    assert_not_granted(sign(&mut member(1, json!([])), "books").await);
    sign(&mut member(4, json!([accountants.to_uppercase()])), "books").await.unwrap();

    // Roles of groups and of the principal add up, and CheckAccess agrees.
    assign(&mut dev, CRYPTO_USER, &guid(1), "/keys/letters").await;
    sign(&mut ann, "letters").await.unwrap();
    sign(&mut ann, "books").await.unwrap();
    let by_group = check(&mut dev, &guid(1), &[&accountants], "keys/sign", "/keys/books").await;
    assert_eq!((by_group.allowed, by_group.role_assignment), (true, Some(assigned.clone())));
    let alone = check(&mut dev, &guid(1), &[&clerks], "keys/sign", "/keys/books").await;
    assert!(!alone.allowed, "{alone:?}");

    // A token verified before the assignment was deleted is still valid, but grants no access.
    unassign(&mut dev, &assigned.name).await;
    assert_not_granted(sign(&mut ann, "books").await);
    assert_not_granted(sign(&mut bob, "books").await);
    sign(&mut ann, "letters").await.unwrap();
}

#[tokio::test]
async fn rejects_tokens_of_another_tenant_despite_assignments() {
    let issuer = Issuer::new();
    let server = server(&issuer);
    let mut dev = server.client("dev").await;
    dev.create(ec("books", "P-256")).await.unwrap();
    assign(&mut dev, CRYPTO_USER, &guid(1), "/").await;
    assign(&mut dev, CRYPTO_USER, &guid(100), "/").await;

    let channel = server.channel().await;
    let own_tenant = issuer.token(TENANT, &guid(1), &json!([guid(100)]));
    sign(&mut Client::new(channel.clone(), Some(&own_tenant)), "books").await.unwrap();
    let other_tenant = issuer.token(OTHER_TENANT, &guid(1), &json!([guid(100)]));
    let refused = sign(&mut Client::new(channel, Some(&other_tenant)), "books").await;
    assert_grpc_error(refused, Code::Unauthenticated, "UNAUTHENTICATED");
}

#[tokio::test]
async fn tokens_of_other_issuers_cannot_access_the_clock() {
    let issuer = Issuer::new();
    let server = server(&issuer);
    let channel = server.channel().await;
    let before = clock(&channel, &server.access_token("dev").await).await.unwrap();
    let token = issuer.token(TENANT, &server.principal("dev").object_id, &Value::Null);
    for refused in [clock(&channel, &token).await, advance(&channel, &token).await] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
        assert!(refused.message().contains("of its own authority"), "{refused:?}");
    }
    let after = clock(&channel, &server.access_token("dev").await).await.unwrap();
    assert!(after.seconds - before.seconds < 3_600, "{before:?} {after:?}");
}

fn with_token<T>(message: T, token: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

async fn clock(channel: &Channel, token: &str) -> Result<prost_types::Timestamp, tonic::Status> {
    let request = with_token(pb::GetClockRequest::default(), token);
    let clock_state = ClockServiceClient::new(channel.clone()).get_clock(request).await?.into_inner();
    Ok(clock_state.now.unwrap())
}

async fn advance(channel: &Channel, token: &str) -> Result<prost_types::Timestamp, tonic::Status> {
    ClockServiceClient::new(channel.clone()).advance_clock(with_token(days(1), token)).await?;
    Ok(prost_types::Timestamp::default())
}
