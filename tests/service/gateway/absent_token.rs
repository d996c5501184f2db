//! Tests a start while the token of one of two HSMs is unavailable.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;
use tonic::Code;

use super::fixture::{ADMIN, Gateway, TENANT};
use super::{HSM, PIN, assign_crypto_user_of};
use crate::calls::{refusal, sign};
use crate::support::{Client, ec};

const OTHER: &str = "hsms/other";

/// The directories in which SoftHSM keeps the tokens.
fn token_directories(gateway: &Gateway) -> BTreeSet<OsString> {
    let entries = std::fs::read_dir(gateway.path("tokens")).unwrap();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}

async fn client(gateway: &Gateway, port: u16) -> Client {
    Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(ADMIN)))
}

fn key(hsm: &str) -> String {
    format!("{hsm}/keys/invoices")
}

async fn is_ready(http: &reqwest::Client, port: u16) -> bool {
    let url = format!("https://127.0.0.1:{port}/readyz");
    http.get(url).send().await.unwrap().status().is_success()
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn unavailable_token_concerns_its_own_hsm_and_is_used_when_it_is_back() {
    let mut gateway = Gateway::new();
    let first = token_directories(&gateway);
    gateway.initialize("other", PIN);
    let directory = token_directories(&gateway).difference(&first).next().unwrap().clone();
    let mut text = gateway.configuration();
    text.push_str(&format!(
        "\n[[hsm]]\nname = \"other\"\ntoken = {{ label = \"other\" }}\ntenant_id = \"{TENANT}\"\n\
         administrators = [\"{ADMIN}\"]\n"
    ));
    gateway.write("strongroom.toml", &text);
    let port = gateway.start();
    let mut admin = client(&gateway, port).await;
    for hsm in [HSM, OTHER] {
        assign_crypto_user_of(hsm, &mut admin, ADMIN).await;
        admin
            .create(pb::CreateKeyRequest { parent: hsm.to_owned(), ..ec("invoices", "P-256") })
            .await
            .unwrap();
    }
    gateway.stop();

    let (present, absent) = (gateway.path("tokens").join(&directory), gateway.path("absent-token"));
    std::fs::rename(&present, &absent).unwrap();
    let port = gateway.start();
    let mut admin = client(&gateway, port).await;
    sign(&mut admin, &key(HSM), "ES256", &[7; 32]).await.unwrap();
    let refused = refusal(sign(&mut admin, &key(OTHER), "ES256", &[7; 32]).await);
    assert_eq!(refused, (Code::Unavailable, "TOKEN_UNAVAILABLE".to_owned()));
    // What needs no token works.
    admin.keys.get_key(pb::GetKeyRequest { name: key(OTHER) }).await.unwrap();
    let http = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(gateway.authority.pem.as_bytes()).unwrap()])
        .build()
        .unwrap();
    until("the service is not ready", async || !is_ready(&http, port).await).await;
    assert_eq!(gateway.log().matches("token.unavailable").count(), 1, "{}", gateway.log());

    std::fs::rename(&absent, &present).unwrap();
    until("recovery", async || sign(&mut admin, &key(OTHER), "ES256", &[7; 32]).await.is_ok()).await;
    until("the service is ready", async || is_ready(&http, port).await).await;
    assert!(gateway.log().contains("token.available"), "{}", gateway.log());
    gateway.stop();
}
