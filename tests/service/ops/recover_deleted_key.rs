//! Recovering a deleted key.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use strongroom::api::grpc::pb;
use tonic::Code;

use crate::support::{Client, Server, ec, error_metadata, reason};

async fn recover(client: &mut Client, name: &str) -> Result<pb::KeyBundle, tonic::Status> {
    let request = pb::RecoverDeletedKeyRequest { name: name.to_owned() };
    client.keys.recover_deleted_key(request).await.map(tonic::Response::into_inner)
}

async fn versions(client: &mut Client) -> Vec<pb::KeyBundle> {
    let parent = "hsms/local/keys/invoices".to_owned();
    let request = pb::ListKeyVersionsRequest { parent, ..Default::default() };
    client.keys.list_key_versions(request).await.unwrap().into_inner().versions
}

/// Signs with the key, and verifies with another implementation and the returned public key.
async fn assert_signs(client: &mut Client, key: &pb::KeyBundle) {
    let digest = vec![7; 32];
    let request =
        pb::SignRequest { name: key.name.clone(), algorithm: "ES256".to_owned(), digest: digest.clone() };
    let signature = client.crypto.sign(request).await.unwrap().into_inner().signature;
    let public = key.key.as_ref().unwrap();
    let point = [&[4], public.x.as_slice(), &public.y].concat();
    let public = VerifyingKey::from_sec1_bytes(&point).unwrap();
    public.verify_prehash(&digest, &Signature::from_slice(&signature).unwrap()).unwrap();
}

#[tokio::test]
async fn recovers_all_versions_unchanged_and_usable() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    for curve in ["P-256", "P-384", "P-256"] {
        let request = pb::CreateKeyRequest {
            tags: [("curve".to_owned(), curve.to_owned())].into(),
            ..ec("invoices", curve)
        };
        dev.create(request).await.unwrap();
    }
    let before = versions(&mut dev).await;
    let delete = || pb::DeleteKeyRequest { name: "hsms/local/keys/invoices".to_owned() };
    let first = dev.keys.delete_key(delete()).await.unwrap().into_inner();

    let deleted = "hsms/local/deletedKeys/invoices";
    let recovered = recover(&mut dev, deleted).await.unwrap();
    assert_eq!(Some(&recovered), before.last());
    assert_eq!(versions(&mut dev).await, before);
    for version in [&before[0], &before[2]] {
        assert_signs(&mut dev, version).await;
    }
    let status = recover(&mut dev, deleted).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "DELETED_KEY_NOT_FOUND"));

    // A second deletion sets new dates, and recovery works after a restart.
    let second = dev.keys.delete_key(delete()).await.unwrap().into_inner();
    assert_ne!(first.deleted_at, second.deleted_at);
    server.restart();
    let mut dev = server.client("dev").await;
    assert_eq!(recover(&mut dev, deleted).await.unwrap(), recovered);
    assert_eq!(versions(&mut dev).await, before);
    assert_signs(&mut dev, &recovered).await;
    let another = dev.create(ec("invoices", "P-256")).await.unwrap();
    assert_eq!(versions(&mut dev).await, [before, vec![another]].concat());
}

#[tokio::test]
async fn delete_permission_does_not_allow_recovery() {
    let server = Server::start();
    let mut user = server.client("crypto-user").await;
    user.create(ec("invoices", "P-256")).await.unwrap();
    let request = pb::DeleteKeyRequest { name: "hsms/local/keys/invoices".to_owned() };
    user.keys.delete_key(request).await.unwrap();
    let name = "hsms/local/deletedKeys/invoices";
    let status = recover(&mut user, name).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "ACTION_NOT_GRANTED"));
    assert_eq!(
        error_metadata(&status, "action"),
        "Microsoft.KeyVault/managedHsm/keys/deletedKeys/recover/action"
    );
    assert_eq!(error_metadata(&status, "scope"), "/keys/invoices");
    assert!(recover(&mut server.client("crypto-officer").await, name).await.is_ok());

    let mut dev = server.client("dev").await;
    for name in ["hsms/local/keys/invoices", "invoices", ""] {
        assert_eq!(recover(&mut dev, name).await.unwrap_err().code(), Code::InvalidArgument, "{name}");
    }
}
