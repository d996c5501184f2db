//! Reading a deleted key.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::support::{Client, Server, ec, error_metadata, reason};

async fn get(client: &mut Client, name: &str) -> Result<pb::DeletedKeyBundle, tonic::Status> {
    let request = pb::GetDeletedKeyRequest { name: name.to_owned() };
    client.keys.get_deleted_key(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn returns_the_bundle_that_deletion_returned() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let request = pb::DeleteKeyRequest { name: "hsms/local/keys/invoices".to_owned() };
    let deleted = dev.keys.delete_key(request).await.unwrap().into_inner();
    assert_eq!(get(&mut dev, "hsms/local/deletedKeys/invoices").await.unwrap(), deleted);
    assert_eq!(get(&mut dev, "hsms/local/deletedKeys/INVOICES").await.unwrap(), deleted);
    let mut officer = server.client("crypto-officer").await;
    assert_eq!(get(&mut officer, "hsms/local/deletedKeys/invoices").await.unwrap(), deleted);
}

#[tokio::test]
async fn live_and_unknown_keys_are_not_found() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("live", "P-256")).await.unwrap();
    for name in ["hsms/local/deletedKeys/live", "hsms/local/deletedKeys/nothing"] {
        let status = get(&mut dev, name).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::NotFound, "DELETED_KEY_NOT_FOUND"),
            "{name}"
        );
        assert_eq!(error_metadata(&status, "resource"), name);
    }
    for name in ["hsms/local/keys/live", "live", "hsms/local/deletedKeys/a_b"] {
        let status = get(&mut dev, name).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{name}");
    }
    // A crypto user may delete keys, but not read deleted ones.
    let status =
        get(&mut server.client("crypto-user").await, "hsms/local/deletedKeys/live").await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(
        error_metadata(&status, "action"),
        "Microsoft.KeyVault/managedHsm/keys/deletedKeys/read/action"
    );
}
