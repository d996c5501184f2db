//! Recovering a deleted secret.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::{
    assert_not_permitted, create_vault, delete, deleted_secret, get, list_deleted, policy, recover, set,
    start, value, versions, without_value,
};
use crate::support::Server;

#[tokio::test]
async fn recovers_all_versions_with_their_values() {
    let (server, mut dev) = start().await;
    let one = set(&mut dev, "password", "one").await.unwrap();
    let two = set(&mut dev, "password", "two").await.unwrap();
    delete(&mut dev, "password").await.unwrap();
    let request = pb::RecoverDeletedSecretRequest { name: deleted_secret("PASSWORD") };
    let answer = dev.secrets.recover_deleted_secret(request).await;
    let target = "vaults/sample/deletedSecrets/PASSWORD";
    assert_audited(&server, metadata(&answer), "SecretRecover", "OK", target);
    // Without its value: the caller may not be allowed to read it.
    assert_eq!(answer.unwrap().into_inner(), without_value(&two));
    for made in [&one, &two] {
        assert_eq!(get(&mut dev, &made.name).await.unwrap(), *made);
    }
    assert!(list_deleted(&mut dev).await.is_empty());
    assert_grpc_error(recover(&mut dev, "password").await, Code::NotFound, "DELETED_SECRET_NOT_FOUND");
    set(&mut dev, "password", "three").await.unwrap();
    assert_eq!(versions(&mut dev, "password").await.len(), 3);
    // It can be deleted and recovered again.
    delete(&mut dev, "password").await.unwrap();
    recover(&mut dev, "password").await.unwrap();
    assert_eq!(value(&mut dev, "password").await, "three");
}

#[tokio::test]
async fn rejects_live_and_unknown_secrets_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![
        policy(&server, "dev", &["set", "delete", "get", "list", "purge"]),
        policy(&server, "crypto-user", &["recover"]),
    ];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    for name in ["live", "gone"] {
        set(&mut dev, name, "one").await.unwrap();
    }
    delete(&mut dev, "gone").await.unwrap();
    let mut user = server.client("crypto-user").await;
    for name in ["live", "nothing"] {
        assert_grpc_error(recover(&mut user, name).await, Code::NotFound, "DELETED_SECRET_NOT_FOUND");
        assert_not_permitted(recover(&mut dev, name).await);
    }
    for name in ["", "gone", "vaults/sample/secrets/gone"] {
        let request = pb::RecoverDeletedSecretRequest { name: name.to_owned() };
        assert_bad_parameter(user.secrets.recover_deleted_secret(request).await, "name");
    }
    assert_not_permitted(recover(&mut dev, "gone").await);
    recover(&mut user, "gone").await.unwrap();
}
