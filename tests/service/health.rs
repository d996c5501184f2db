//! What can be asked without a credential, and what is said when the token is away.

use std::process::Output;
use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::support::{Server, ec, reason, rsa, strongroom};

async fn status(channel: &Channel) -> ServingStatus {
    HealthClient::new(channel.clone())
        .check(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner()
        .status()
}

/// Waits until the health service says so; the tokens are asked every few seconds.
async fn becomes(channel: &Channel, wanted: ServingStatus) {
    let started = Instant::now();
    while status(channel).await != wanted {
        assert!(started.elapsed() < Duration::from_secs(20), "not {wanted:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn healthcheck(server: &Server) -> Output {
    strongroom().arg("--data-dir").arg(server.directory()).arg("healthcheck").output().unwrap()
}

async fn healthz(server: &Server) -> (u16, serde_json::Value) {
    let url = server.connection().endpoint.replace("127.0.0.1", "localhost") + "/healthz";
    let answer = server.http().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn health_reflection_and_the_authority_s_certificate_are_for_everybody() {
    let mut server = Server::start();
    let channel = server.channel().await;
    assert_eq!(status(&channel).await, ServingStatus::Serving);
    assert_eq!(
        healthz(&server).await,
        (
            200,
            serde_json::json!({"mode": "simulator", "status": "serving", "version": env!("CARGO_PKG_VERSION")})
        )
    );
    let connection = server.connection();
    let url = connection.endpoint.replace("127.0.0.1", "localhost") + "/ca.pem";
    let pem = server.http().get(url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(pem, std::fs::read(&connection.ca_file).unwrap());
    assert!(!String::from_utf8_lossy(&pem).contains("PRIVATE"));

    let mut reflection = ServerReflectionClient::new(channel.clone());
    let ask = |message| {
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(message) };
        futures_util::stream::iter([request])
    };
    let mut answers = reflection
        .server_reflection_info(ask(MessageRequest::ListServices(String::new())))
        .await
        .unwrap()
        .into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list of services")
    };
    let mut services: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    services.sort_unstable();
    for wanted in [
        "grpc.health.v1.Health",
        "strongroom.v1.AccessService",
        "strongroom.v1.CryptoService",
        "strongroom.v1.KeyService",
    ] {
        assert!(services.iter().any(|name| name == wanted), "{wanted}: {services:?}");
    }
    let symbol = MessageRequest::FileContainingSymbol("strongroom.v1.SignRequest".to_owned());
    let mut answers = reflection.server_reflection_info(ask(symbol)).await.unwrap().into_inner();
    let Some(MessageResponse::FileDescriptorResponse(files)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no description of a message")
    };
    assert!(!files.file_descriptor_proto.is_empty());

    assert!(healthcheck(&server).status.success());
    assert!(server.stop().success());
    let output = healthcheck(&server);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("127.0.0.1"), "{output:?}");
}

#[tokio::test]
async fn without_its_token_it_says_so_and_still_tells_what_it_knows() {
    let mut server = Server::start();
    let channel = server.channel().await;
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    dev.create(ec("old", "P-256")).await.unwrap();
    dev.keys.delete_key(pb::DeleteKeyRequest { name: "hsms/local/keys/old".to_owned() }).await.unwrap();
    let sign =
        pb::SignRequest { name: made.name.clone(), algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    dev.crypto.sign(sign.clone()).await.unwrap();

    let (here, away) = (server.directory().join("softhsm/tokens"), server.directory().join("softhsm/away"));
    std::fs::rename(&here, &away).unwrap();
    let refused = dev.crypto.sign(sign.clone()).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unavailable, "TOKEN_UNAVAILABLE"),
        "{refused:?}"
    );
    becomes(&channel, ServingStatus::NotServing).await;
    let (code, health) = healthz(&server).await;
    assert_eq!((code, health["status"].as_str()), (503, Some("not serving")));
    let output = healthcheck(&server);
    assert!(
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("not serving"),
        "{output:?}"
    );

    // What needs no token is answered; what needs it is refused and changes nothing.
    let get = pb::GetKeyRequest { name: made.name.clone() };
    assert_eq!(dev.keys.get_key(get.clone()).await.unwrap().into_inner(), made);
    let list = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    let create = dev.create(rsa("new", 2048)).await.unwrap_err();
    assert!([Code::Unavailable, Code::Internal].contains(&create.code()), "{create:?}");
    assert!(["TOKEN_UNAVAILABLE", "TOKEN_FAILED"].contains(&reason(&create).as_str()), "{create:?}");
    let old = "hsms/local/deletedKeys/old".to_owned();
    let purge =
        dev.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name: old.clone() }).await.unwrap_err();
    assert_eq!(
        (purge.code(), reason(&purge).as_str()),
        (Code::Unavailable, "TOKEN_UNAVAILABLE"),
        "{purge:?}"
    );
    assert_eq!(dev.keys.list_keys(list.clone()).await.unwrap().into_inner().keys.len(), 1);
    dev.keys.get_deleted_key(pb::GetDeletedKeyRequest { name: old.clone() }).await.unwrap();

    // Back again. SoftHSM does not notice until it is loaded anew; until then, it is still refused.
    std::fs::rename(&away, &here).unwrap();
    match dev.crypto.sign(sign.clone()).await {
        Ok(_) => println!("the token healed by itself"),
        Err(status) => {
            println!("the token stays away until a restart: {}", status.message());
            assert_eq!(reason(&status), "TOKEN_UNAVAILABLE", "{status:?}");
        }
    }
    server.restart();
    let channel = server.channel().await;
    becomes(&channel, ServingStatus::Serving).await;
    let mut dev = server.client("dev").await;
    dev.crypto.sign(sign).await.unwrap();
    assert_eq!(dev.keys.get_key(get).await.unwrap().into_inner(), made);
    assert_eq!(dev.keys.list_keys(list).await.unwrap().into_inner().keys.len(), 1);
    // The purge had been asked for and declared; whether it is finished now or was given up, the key is
    // either whole or gone.
    let recover = dev.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name: old }).await;
    match recover {
        Ok(key) => {
            let name = key.into_inner().name;
            let sign = pb::SignRequest { name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
            dev.crypto.sign(sign).await.unwrap();
        }
        Err(status) => assert_eq!(status.code(), Code::NotFound, "{status:?}"),
    }
}
