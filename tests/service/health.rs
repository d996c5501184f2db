//! Tests health and reflection, which need no credential, and the health of a service whose token is unavailable.

use std::process::Output;
use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{Server, ec, reason, rsa, strongroom};

/// Returns the names of all services by one version of reflection, and asserts that it describes the types.
macro_rules! reflection {
    ($version:ident, $channel:expr) => {{
        use tonic_reflection::pb::$version as reflection;

        let requests = [
            MessageRequest::ListServices(String::new()),
            MessageRequest::FileContainingSymbol("strongroom.v1.SignRequest".to_owned()),
            MessageRequest::FileContainingSymbol("google.rpc.ErrorInfo".to_owned()),
            MessageRequest::FileByFilename("google/rpc/error_details.proto".to_owned()),
            MessageRequest::FileByFilename("google/rpc/status.proto".to_owned()),
            MessageRequest::FileByFilename("google/protobuf/duration.proto".to_owned()),
            MessageRequest::FileByFilename("google/protobuf/any.proto".to_owned()),
        ];
        let count = requests.len();
        let requests = requests.map(|message| reflection::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(message),
        });
        let mut client = reflection::server_reflection_client::ServerReflectionClient::new($channel.clone());
        let answers = client.server_reflection_info(futures_util::stream::iter(requests)).await;
        let mut answers = answers.unwrap().into_inner();
        let mut services = Vec::new();
        let mut described = 0;
        use reflection::server_reflection_request::MessageRequest;
        use reflection::server_reflection_response::MessageResponse;
        while let Some(answer) = answers.message().await.unwrap() {
            match answer.message_response {
                Some(MessageResponse::ListServicesResponse(list)) => {
                    services = list.service.into_iter().map(|service| service.name).collect();
                }
                Some(MessageResponse::FileDescriptorResponse(files)) => {
                    assert!(!files.file_descriptor_proto.is_empty());
                    described += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(described + 1, count);
        services.sort_unstable();
        services
    }};
}

async fn status(channel: &Channel) -> ServingStatus {
    HealthClient::new(channel.clone())
        .check(HealthCheckRequest::default())
        .await
        .unwrap()
        .into_inner()
        .status()
}

/// Waits until the health service reports this status; tokens are probed every few seconds.
async fn wait_for_status(channel: &Channel, wanted: ServingStatus) {
    let started = Instant::now();
    while status(channel).await != wanted {
        assert!(started.elapsed() < Duration::from_secs(20), "the status is not {wanted:?}");
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

async fn probe(server: &Server, path: &str) -> (u16, serde_json::Value) {
    let url = server.connection().endpoint.replace("127.0.0.1", "localhost") + path;
    let answer = server.http().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn health_reflection_and_ca_certificate_need_no_credential() {
    let mut server = Server::start();
    let channel = server.channel().await;
    assert_eq!(status(&channel).await, ServingStatus::Serving);
    let (code, mut health) = healthz(&server).await;
    let age = health.as_object_mut().unwrap().remove("age_seconds").unwrap().as_u64().unwrap();
    assert!(age <= 10, "{age}");
    let wanted =
        serde_json::json!({"mode": "simulator", "status": "serving", "version": env!("CARGO_PKG_VERSION")});
    assert_eq!((code, health), (200, wanted));
    assert_eq!(probe(&server, "/livez").await, (200, serde_json::json!({"status": "alive"})));
    let ready = serde_json::json!({"failing": [], "status": "ready"});
    assert_eq!(probe(&server, "/readyz").await, (200, ready));
    let connection = server.connection();
    let url = connection.endpoint.replace("127.0.0.1", "localhost") + "/ca.pem";
    let pem = server.http().get(url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(pem, std::fs::read(&connection.ca_file).unwrap());
    assert!(!String::from_utf8_lossy(&pem).contains("PRIVATE"));

    let services = reflection!(v1, channel);
    assert_eq!(services, reflection!(v1alpha, channel));
    for wanted in [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "strongroom.v1.AccessService",
        "strongroom.v1.ClockService",
        "strongroom.v1.CryptoService",
        "strongroom.v1.KeyService",
    ] {
        assert!(services.iter().any(|name| name == wanted), "{wanted}: {services:?}");
    }
    // The health service knows every service by name.
    for service in services {
        let mut health = HealthClient::new(channel.clone());
        let answer = health.check(HealthCheckRequest { service: service.clone() }).await;
        assert_eq!(
            answer.map(|answer| answer.into_inner().status()).ok(),
            Some(ServingStatus::Serving),
            "{service}"
        );
    }
    let unknown = HealthCheckRequest { service: "strongroom.v1.FlyService".to_owned() };
    let refused = HealthClient::new(channel.clone()).check(unknown).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);

    assert!(healthcheck(&server).status.success());
    assert!(server.stop().success());
    let output = healthcheck(&server);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("127.0.0.1"), "{output:?}");
}

#[tokio::test]
async fn unavailable_token_is_reported_and_reads_still_work() {
    let mut server = Server::start();
    let channel = server.channel().await;
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    dev.create(ec("old", "P-256")).await.unwrap();
    dev.keys.delete_key(pb::DeleteKeyRequest { name: "hsms/local/keys/old".to_owned() }).await.unwrap();
    let sign =
        pb::SignRequest { name: made.name.clone(), algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    dev.crypto.sign(sign.clone()).await.unwrap();

    let (tokens, moved) =
        (server.directory().join("softhsm/tokens"), server.directory().join("softhsm/away"));
    // /healthz returns the last probe and does not probe itself: a failure right after a probe is not reported yet.
    let started = Instant::now();
    while healthz(&server).await.1["age_seconds"].as_u64().unwrap() < 2 {
        assert!(started.elapsed() < Duration::from_secs(20), "the age of the probe does not grow");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    while healthz(&server).await.1["age_seconds"].as_u64().unwrap() >= 2 {
        assert!(started.elapsed() < Duration::from_secs(20), "the probe is not repeated");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    std::fs::rename(&tokens, &moved).unwrap();
    assert_eq!(healthz(&server).await.0, 200);
    let refused = dev.crypto.sign(sign.clone()).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unavailable, "TOKEN_UNAVAILABLE"),
        "{refused:?}"
    );
    wait_for_status(&channel, ServingStatus::NotServing).await;
    let (code, health) = healthz(&server).await;
    assert_eq!((code, health["status"].as_str()), (503, Some("not serving")));
    // Who may not know the reason learns which part fails.
    let part = health["failing"][0]["part"].as_str().unwrap();
    assert!(part.starts_with("token ") && health["failing"][0].get("why").is_none(), "{health}");
    let (code, ready) = probe(&server, "/readyz").await;
    assert_eq!((code, ready["status"].as_str()), (503, Some("not ready")), "{ready}");
    assert_eq!(probe(&server, "/livez").await.0, 200);
    let failing = health["failing"].as_array().unwrap().len();
    assert_eq!(server.log().matches("token.unavailable").count(), failing, "{}", server.log());
    let output = healthcheck(&server);
    assert!(
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("not serving"),
        "{output:?}"
    );

    // Calls that need no token are served; calls that need it are rejected and change nothing.
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

    // The token is available again. SoftHSM may not notice until it is loaded again.
    std::fs::rename(&moved, &tokens).unwrap();
    if let Err(status) = dev.crypto.sign(sign.clone()).await {
        assert_eq!(reason(&status), "TOKEN_UNAVAILABLE", "{status:?}");
    }
    server.restart();
    let channel = server.channel().await;
    wait_for_status(&channel, ServingStatus::Serving).await;
    let mut dev = server.client("dev").await;
    dev.crypto.sign(sign).await.unwrap();
    assert_eq!(dev.keys.get_key(get).await.unwrap().into_inner(), made);
    assert_eq!(dev.keys.list_keys(list).await.unwrap().into_inner().keys.len(), 1);
    // The purge had a recorded intent; whether it is completed now or was abandoned, the key is either complete or
    // purged.
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
