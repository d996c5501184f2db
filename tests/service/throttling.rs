//! Limits on the rate of calls to vaults.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::batches::Batch as _;
use crate::rest::client::Rest;
use crate::roles::support::assert_grpc_error;
use crate::secrets::{create_vault, get, secret, set};
use crate::support::Server;
use crate::{batches, calls, vault_keys};

const PUBLISHED: (&str, &str) = ("STRONGROOM_SIMULATOR__LIMITS", "published");

/// Creates an EC-HSM key in the vault `demo`, of which 10 may be created in ten seconds.
async fn create_key(demo: &Rest, name: &str) -> crate::rest::client::RestResponse {
    demo.post(&format!("/keys/{name}/create"), serde_json::json!({"kty": "EC-HSM"})).await
}

#[tokio::test]
async fn calls_above_the_published_limit_are_refused_until_the_next_interval() {
    let server = Server::start_with(&[], &[PUBLISHED]);
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    let hsm = Rest::unauthenticated(&server);
    let host = hsm.base.replace("https://local.managedhsm.", "demo.vault.");
    let token = server.access_token_for("dev", "https://vault.azure.net").await;
    let demo = hsm.at_host(&host).with_token(&token);
    for number in 0..10 {
        assert_eq!(create_key(&demo, &format!("key-{number}")).await.status, 200);
    }
    let refused = create_key(&demo, "key-10").await;
    assert_eq!(refused.json(429)["error"]["code"], "Throttled");
    let seconds: i64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    // Other classes of calls, and managed HSMs, have limits of their own or none.
    assert_eq!(demo.get("/keys/key-0").await.status, 200);
    let by = prost_types::Duration { seconds, nanos: 0 };
    let target = Some(pb::advance_clock_request::Target::By(by));
    dev.clock.advance_clock(pb::AdvanceClockRequest { target, ..Default::default() }).await.unwrap();
    assert_eq!(create_key(&demo, "key-10").await.status, 200);
}

/// A batch counts as many calls as it has items.
#[tokio::test]
async fn items_of_batches_count_as_calls() {
    let server = Server::start_with(&[], &[PUBLISHED]);
    let mut operator = server.client("dev").await;
    let mut dev = vault_keys::client(&server, "dev").await;
    operator.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    vault_keys::create(&mut dev, vault_keys::VAULT, "ec", "EC-HSM").await.unwrap();
    let name = vault_keys::key("ec");
    let item = pb::SignItem { algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    // 2000 calls with keys of this kind are permitted in ten seconds; the last batch may exceed the limit.
    for count in [1000, 999, 900] {
        let items = vec![item.clone(); count];
        assert_eq!(batches::values::<batches::Sign>(&mut dev, &name, items).await.len(), count);
    }
    let throttled = (Code::ResourceExhausted, "THROTTLED".to_owned());
    let one = batches::Sign::call(&mut dev, &name, vec![item.clone()]).await;
    assert_eq!(calls::refusal(one), throttled);
    assert_eq!(calls::refusal(calls::sign(&mut dev, &name, "ES256", &[7; 32]).await), throttled);
    // Throttled batches are not counted for billing, and the excess of 899 counts in the next interval.
    let by = prost_types::Duration { seconds: 10, nanos: 0 };
    let target = Some(pb::advance_clock_request::Target::By(by));
    operator.clock.advance_clock(pb::AdvanceClockRequest { target, ..Default::default() }).await.unwrap();
    let items = vec![item; 1000];
    for _ in 0..2 {
        batches::values::<batches::Sign>(&mut dev, &name, items.clone()).await;
    }
    assert_eq!(calls::refusal(batches::Sign::call(&mut dev, &name, items).await), throttled);
}

#[tokio::test]
async fn secrets_are_created_at_the_published_rate_and_read_faster() {
    let server = Server::start_with(&[], &[PUBLISHED]);
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    create_vault(&server, &mut dev, |_| {}).await;
    for _ in 0..300 {
        set(&mut dev, "busy", "x").await.unwrap();
    }
    let refused = set(&mut dev, "busy", "x").await;
    assert_grpc_error(refused, Code::ResourceExhausted, "THROTTLED");
    assert!(get(&mut dev, &secret("busy")).await.is_ok());
}
