//! Soft-deleting a key.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::support::{Client, Server, ec, error_metadata, reason};

async fn delete(client: &mut Client, name: &str) -> Result<pb::DeletedKeyBundle, tonic::Status> {
    let request = pb::DeleteKeyRequest { name: name.to_owned() };
    client.keys.delete_key(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn deleted_key_reserves_its_name_and_reports_its_dates() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let current = dev.create(ec("invoices", "P-256")).await.unwrap();

    let name = "hsms/local/keys/invoices";
    let deleted = delete(&mut dev, name).await.unwrap();
    assert_eq!(deleted.name, "hsms/local/deletedKeys/invoices");
    assert_eq!(deleted.key.as_ref(), Some(&current));
    let (from, until) = (deleted.deleted_at.unwrap(), deleted.scheduled_purge_at.unwrap());
    assert_eq!((until.seconds - from.seconds, until.nanos), (90 * 86_400, from.nanos));

    let missing = dev.keys.get_key(pb::GetKeyRequest { name: name.to_owned() }).await.unwrap_err();
    assert_eq!((missing.code(), reason(&missing).as_str()), (Code::NotFound, "KEY_NOT_FOUND"));
    let taken = dev.create(ec("Invoices", "P-256")).await.unwrap_err();
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "KEY_DELETED_BUT_RECOVERABLE"));
    let again = delete(&mut dev, name).await.unwrap_err();
    assert_eq!(again.code(), Code::NotFound);
    let sign = pb::SignRequest { name: current.name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    assert_eq!(dev.crypto.sign(sign).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn rejects_versions_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    for name in [&made.name, "hsms/local/deletedKeys/invoices", "invoices"] {
        let status = delete(&mut dev, name).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::InvalidArgument, "BAD_PARAMETER"),
            "{name}"
        );
    }
    let status = delete(&mut dev, "hsms/local/keys/nothing").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "KEY_NOT_FOUND"));

    let name = "hsms/local/keys/invoices";
    for principal in ["crypto-officer", "administrator", "nobody"] {
        let status = delete(&mut server.client(principal).await, name).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied, "{principal}");
        assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/managedHsm/keys/delete");
        assert_eq!(error_metadata(&status, "scope"), "/keys/invoices");
    }
    assert!(delete(&mut server.client("crypto-user").await, name).await.is_ok());
}
