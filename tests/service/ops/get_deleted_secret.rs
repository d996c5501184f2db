//! Reading a deleted secret.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::roles::support::{assert_bad_parameter, assert_grpc_error};
use crate::secrets::{
    assert_not_permitted, create_vault, delete, deleted_secret, policy, recover, set, start,
};
use crate::support::{Client, Server};

async fn read(client: &mut Client, name: &str) -> Result<pb::DeletedSecretBundle, Status> {
    let request = pb::GetDeletedSecretRequest { name: name.to_owned() };
    client.secrets.get_deleted_secret(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn returns_what_the_deletion_returned() {
    let (_server, mut dev) = start().await;
    set(&mut dev, "password", "one").await.unwrap();
    let deleted = delete(&mut dev, "password").await.unwrap();
    for name in ["password", "PASSWORD"] {
        assert_eq!(read(&mut dev, &deleted_secret(name)).await.unwrap(), deleted);
    }
    recover(&mut dev, "password").await.unwrap();
    let missing = read(&mut dev, &deleted_secret("password")).await;
    assert_grpc_error(missing, Code::NotFound, "DELETED_SECRET_NOT_FOUND");
}

#[tokio::test]
async fn rejects_live_and_unknown_secrets_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![
        policy(&server, "dev", &["set", "delete", "list", "recover", "purge"]),
        policy(&server, "crypto-user", &["get"]),
    ];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    for name in ["live", "gone"] {
        set(&mut dev, name, "one").await.unwrap();
    }
    delete(&mut dev, "gone").await.unwrap();
    let mut user = server.client("crypto-user").await;
    for name in ["live", "nothing"] {
        let missing = read(&mut user, &deleted_secret(name)).await;
        assert_grpc_error(missing, Code::NotFound, "DELETED_SECRET_NOT_FOUND");
    }
    for name in ["", "gone", "vaults/sample/secrets/gone", "vaults/sample/deletedSecrets/gone/versions/x"] {
        assert_bad_parameter(read(&mut user, name).await, "name");
    }
    read(&mut user, &deleted_secret("gone")).await.unwrap();
    for name in ["gone", "nothing"] {
        assert_not_permitted(read(&mut dev, &deleted_secret(name)).await);
    }
}
