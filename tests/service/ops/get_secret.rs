//! Reading a secret with its value.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{
    assert_not_permitted, create_vault, delete, enable_request, get, policy, recover, secret, set,
    set_request, start, value,
};
use crate::support::Server;

#[tokio::test]
async fn returns_the_current_version_or_a_named_one() {
    let (server, mut dev) = start().await;
    let one = set(&mut dev, "password", "one").await.unwrap();
    let two = set(&mut dev, "password", "two").await.unwrap();
    let request = pb::GetSecretRequest { name: secret("password") };
    let answer = dev.secrets.get_secret(request).await;
    assert_audited(&server, metadata(&answer), "SecretGet", "OK", "vaults/sample/secrets/password");
    assert_eq!(answer.unwrap().into_inner(), two);
    assert_eq!(get(&mut dev, &secret("PassWord")).await.unwrap(), two);
    assert_eq!(get(&mut dev, &one.name).await.unwrap(), one);
    assert_eq!(get(&mut dev, &one.name.replace("password", "PASSWORD")).await.unwrap(), one);
}

#[tokio::test]
async fn disabled_version_cannot_be_read() {
    let (_server, mut dev) = start().await;
    let one = set(&mut dev, "password", "hunter2").await.unwrap();
    let two = set(&mut dev, "password", "hunter3").await.unwrap();
    dev.secrets.update_secret_version(enable_request(&two.name, false)).await.unwrap();
    for name in [&secret("password"), &two.name] {
        let refused = get(&mut dev, name).await;
        assert!(!format!("{refused:?}").contains("hunter"), "{refused:?}");
        assert_grpc_error(refused, Code::FailedPrecondition, "SECRET_DISABLED");
    }
    assert_eq!(get(&mut dev, &one.name).await.unwrap(), one);
    dev.secrets.update_secret_version(enable_request(&two.name, true)).await.unwrap();
    assert_eq!(value(&mut dev, "password").await, "hunter3");
    let attributes = Some(pb::SecretAttributes { enabled: Some(false), ..Default::default() });
    let request = pb::SetSecretRequest { attributes, ..set_request("password", "hunter4") };
    // The reply of the caller who knows the value has it.
    assert_eq!(dev.secrets.set_secret(request).await.unwrap().into_inner().value.as_deref(), Some("hunter4"));
    assert_grpc_error(get(&mut dev, &secret("password")).await, Code::FailedPrecondition, "SECRET_DISABLED");
}

#[tokio::test]
async fn validity_period_is_informative() {
    let (_server, mut dev) = start().await;
    for (name, not_before, expires) in [("expired", 1, 2), ("early", 4_000_000_000, 4_000_000_001)] {
        let attributes = Some(pb::SecretAttributes {
            enabled: None,
            not_before: Some(prost_types::Timestamp { seconds: not_before, nanos: 0 }),
            expires: Some(prost_types::Timestamp { seconds: expires, nanos: 0 }),
        });
        let request = pb::SetSecretRequest { attributes, ..set_request(name, name) };
        let made = dev.secrets.set_secret(request).await.unwrap().into_inner();
        assert_eq!(get(&mut dev, &secret(name)).await.unwrap(), made);
    }
}

#[tokio::test]
async fn rejects_invalid_and_unknown_names() {
    let (_server, mut dev) = start().await;
    let made = set(&mut dev, "password", "one").await.unwrap();
    let other = set(&mut dev, "other", "two").await.unwrap();
    let unknown = [
        secret("nothing"),
        format!("{}/versions/{}", secret("password"), "0".repeat(32)),
        // A version of another secret.
        format!("{}/versions/{}", secret("password"), other.name.rsplit('/').next().unwrap()),
    ];
    for name in unknown {
        assert_grpc_error(get(&mut dev, &name).await, Code::NotFound, "SECRET_NOT_FOUND");
    }
    assert_grpc_error(get(&mut dev, "vaults/nothing/secrets/a").await, Code::NotFound, "VAULT_NOT_FOUND");
    for name in ["", "password", "vaults/sample/secrets", "vaults/sample/deletedSecrets/password"] {
        assert_bad_parameter(get(&mut dev, name).await, "name");
    }
    assert_bad_parameter(get(&mut dev, &format!("{}/versions/latest", secret("password"))).await, "name");
    delete(&mut dev, "password").await.unwrap();
    for name in [&secret("password"), &made.name] {
        assert_grpc_error(get(&mut dev, name).await, Code::NotFound, "SECRET_NOT_FOUND");
    }
    recover(&mut dev, "password").await.unwrap();
    assert_eq!(get(&mut dev, &made.name).await.unwrap(), made);
}

#[tokio::test]
async fn requires_the_permission_to_read_values() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![
        policy(&server, "dev", &["list", "set", "delete", "recover", "purge", "backup", "restore"]),
        policy(&server, "crypto-user", &["get"]),
    ];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    set(&mut dev, "password", "hunter2").await.unwrap();
    let refused = get(&mut dev, &secret("password")).await;
    assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    assert_not_permitted(refused);
    let mut reader = server.client("crypto-user").await;
    assert_eq!(value(&mut reader, "password").await, "hunter2");
    assert_not_permitted(set(&mut reader, "password", "x").await);
    // The owner of the subscription has no access to contents.
    assert_not_permitted(get(&mut server.client("owner").await, &secret("password")).await);
}
