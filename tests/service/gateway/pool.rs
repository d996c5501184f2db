//! Tests HSMs created over a gateway's control plane: tokens are allocated from a pool and released to it.

use std::collections::HashSet;

use sqlx::Connection as _;
use strongroom::api::grpc::pb;
use tonic::Code;

use super::fixture::{ADMIN, Gateway, MACHINE, TENANT};
use crate::hsms::{create_request, delete, purge};
use crate::roles::support::{CRYPTO_USER, assert_grpc_error};
use crate::support::{Client, ec};

pub(super) const GROUP: &str = "subscriptions/0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0001/resourceGroups/default";

/// Starts a gateway with a token for its HSM and a pool of further tokens. Returns a client of the subscription's owner.
pub(super) async fn gateway_with_pool(pool: &[&str], shared: bool) -> (Gateway, Client) {
    let mut gateway = Gateway::new();
    for label in pool {
        gateway.initialize(label, super::PIN);
    }
    let tokens: Vec<String> = pool.iter().map(|label| format!("{{ label = {label:?} }}")).collect();
    let token = format!("[token]\npool = [{}]\npool_shared = {shared}\n", tokens.join(", "));
    let roles = format!(
        "\n[[control_plane_role]]\nprincipal = \"{ADMIN}\"\nrole = \"Owner\"\nscope = \"/subscriptions/{TENANT}\"\n"
    );
    gateway.write("strongroom.toml", &(gateway.configuration().replace("[token]\n", &token) + &roles));
    let client = restart(&mut gateway).await;
    (gateway, client)
}

async fn restart(gateway: &mut Gateway) -> Client {
    let port = gateway.start();
    Client::with_tokens(gateway.connect(port, None).await.unwrap(), &gateway.bearers(ADMIN))
}

pub(super) fn request(name: &str) -> pb::CreateManagedHsmRequest {
    let mut request = create_request(GROUP, name);
    request.managed_hsm.as_mut().unwrap().administrators = vec![ADMIN.to_owned()];
    request
}

/// Creates an HSM with a key in it, and returns the key's name.
async fn make(gateway: &Gateway, port: u16, admin: &mut Client, name: &str) -> String {
    let made = admin.hsms.create_managed_hsm(request(name)).await.unwrap().into_inner();
    let hsm = made.data_plane;
    admin.hsms.activate_managed_hsm(pb::ActivateManagedHsmRequest { name: hsm.clone() }).await.unwrap();
    let assigning = pb::CreateRoleAssignmentRequest {
        parent: hsm.clone(),
        role_definition: CRYPTO_USER.to_owned(),
        principal_id: MACHINE.to_owned(),
        scope: "/".to_owned(),
        ..Default::default()
    };
    admin.access.create_role_assignment(assigning).await.unwrap();
    let mut machine = Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(MACHINE)));
    machine.create(pb::CreateKeyRequest { parent: hsm.clone(), ..ec("k", "P-256") }).await.unwrap();
    format!("{hsm}/keys/k")
}

async fn sign(gateway: &Gateway, port: u16, name: &str) -> Result<(), tonic::Status> {
    let mut machine = Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(MACHINE)));
    let request =
        pb::SignRequest { name: name.to_owned(), algorithm: "ES256".to_owned(), digest: vec![1; 32] };
    machine.crypto.sign(request).await.map(drop)
}

#[tokio::test]
async fn token_is_allocated_per_hsm_and_released_by_purge() {
    let (mut gateway, mut admin) = gateway_with_pool(&["spare-1", "spare-2"], false).await;
    let port = gateway.port();
    let first = make(&gateway, port, &mut admin, "first").await;
    let second = make(&gateway, port, &mut admin, "second").await;
    let none = admin.hsms.create_managed_hsm(request("third")).await;
    assert_grpc_error(none, Code::ResourceExhausted, "TOKEN_POOL_EXHAUSTED");

    gateway.stop();
    let mut admin = restart(&mut gateway).await;
    let port = gateway.port();
    sign(&gateway, port, &first).await.unwrap();
    delete(&mut admin, format!("{GROUP}/managedHsms/first")).await.unwrap();
    // A deleted HSM keeps its token.
    let none = admin.hsms.create_managed_hsm(request("third")).await;
    assert_grpc_error(none, Code::ResourceExhausted, "TOKEN_POOL_EXHAUSTED");
    let deleted = format!("subscriptions/{TENANT}/locations/localhost/deletedManagedHsms/first");
    purge(&mut admin, deleted).await.unwrap();
    let third = make(&gateway, port, &mut admin, "third").await;
    for name in [&second, &third] {
        sign(&gateway, port, name).await.unwrap();
    }
    assert!(!gateway.log().contains("\"ERROR\""), "{}", gateway.log());
}

#[tokio::test]
async fn purge_in_shared_token_deletes_only_own_objects() {
    let (mut gateway, mut admin) = gateway_with_pool(&["spare"], true).await;
    let port = gateway.port();
    let first = make(&gateway, port, &mut admin, "first").await;
    let second = make(&gateway, port, &mut admin, "second").await;
    delete(&mut admin, format!("{GROUP}/managedHsms/first")).await.unwrap();
    let deleted = format!("subscriptions/{TENANT}/locations/localhost/deletedManagedHsms/first");
    purge(&mut admin, deleted).await.unwrap();
    sign(&gateway, port, &second).await.unwrap();
    assert_grpc_error(sign(&gateway, port, &first).await, Code::NotFound, "HSM_NOT_FOUND");
    gateway.stop();
    restart(&mut gateway).await;
    let port = gateway.port();
    sign(&gateway, port, &second).await.unwrap();
    assert!(!gateway.log().contains("\"ERROR\""), "{}", gateway.log());
}

#[tokio::test]
async fn audit_signing_key_survives_purge_of_its_hsm() {
    let (mut gateway, mut admin) = gateway_with_pool(&[], false).await;
    delete(&mut admin, format!("{GROUP}/managedHsms/payments")).await.unwrap();
    gateway.stop();
    let keys = audit_keys(&gateway);
    let mut admin = restart(&mut gateway).await;
    let deleted = format!("subscriptions/{TENANT}/locations/localhost/deletedManagedHsms/payments");
    purge(&mut admin, deleted).await.unwrap();
    drop(admin);
    gateway.stop();
    drop(restart(&mut gateway).await);
    gateway.stop();
    assert_eq!(audit_keys(&gateway), keys, "{}", gateway.log());
    assert_eq!(keys.len(), 1);
}

/// Verifies the gateway's audit log and returns the keys that signed it.
fn audit_keys(gateway: &Gateway) -> Vec<serde_json::Value> {
    let output = crate::support::strongroom()
        .args(["audit", "verify", "--output", "json", "--directory"])
        .arg(gateway.path("data/audit"))
        .output()
        .unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{found}");
    assert!(found["signatures"].as_u64().unwrap() >= 1, "{found}");
    found["keys"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_creates_allocate_distinct_tokens() {
    let (mut gateway, admin) = gateway_with_pool(&["spare-1", "spare-2"], false).await;
    let answers = futures_util::future::join_all((0..4).map(|number| {
        let mut admin = admin.clone();
        async move { admin.hsms.create_managed_hsm(request(&format!("hsm-{number}"))).await }
    }))
    .await;
    let mut made = Vec::new();
    for answer in answers {
        match answer {
            Ok(hsm) => made.push(hsm.into_inner().data_plane),
            Err(status) => {
                drop(assert_grpc_error::<()>(Err(status), Code::ResourceExhausted, "TOKEN_POOL_EXHAUSTED"))
            }
        }
    }
    assert_eq!(made.len(), 2, "{made:?}");
    gateway.stop();
    let database = format!("sqlite://{}", gateway.path("data/strongroom.db").display());
    let mut database = sqlx::SqliteConnection::connect(&database).await.unwrap();
    let sql = "SELECT json_extract(resource, '$.token_serial') FROM hsms";
    let serials: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap();
    let distinct: HashSet<_> = serials.iter().collect();
    assert_eq!((serials.len(), distinct.len()), (3, 3), "{serials:?}");
    database.close().await.unwrap();

    // The rejected calls hold no tokens: after a purge, another HSM can be created.
    let mut admin = restart(&mut gateway).await;
    let name = made[0].replace("hsms/", &format!("{GROUP}/managedHsms/"));
    delete(&mut admin, name).await.unwrap();
    let deleted = made[0].replace("hsms/", "");
    purge(&mut admin, format!("subscriptions/{TENANT}/locations/localhost/deletedManagedHsms/{deleted}"))
        .await
        .unwrap();
    let port = gateway.port();
    make(&gateway, port, &mut admin, "late").await;
}
