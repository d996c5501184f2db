//! Reading a key.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::support::{Client, Server, ec, error_metadata, oct, reason, rsa};

async fn get(client: &mut Client, name: &str) -> Result<pb::KeyBundle, tonic::Status> {
    let request = pb::GetKeyRequest { name: name.to_owned() };
    client.keys.get_key(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn returns_the_bundle_that_creation_returned() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for (request, members) in [
        (ec("curve", "P-384"), (48, 48, 0, 0)),
        (rsa("modulus", 2048), (0, 0, 256, 3)),
        (oct("secret", 128), (0, 0, 0, 0)),
    ] {
        let made = dev.create(request).await.unwrap();
        let (name, _) = made.name.split_once("/versions/").unwrap();
        assert_eq!(get(&mut dev, name).await.unwrap(), made);
        assert_eq!(get(&mut dev, &made.name).await.unwrap(), made);
        // Only the public key is returned.
        let shown = made.key.map(|key| (key.x.len(), key.y.len(), key.n.len(), key.e.len()));
        assert_eq!(shown.unwrap_or_default(), members, "{}", made.kty);
    }
}

#[tokio::test]
async fn key_name_resolves_to_the_current_version() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(ec("Invoices", "P-256")).await.unwrap();
    let second = dev.create(ec("invoices", "P-521")).await.unwrap();
    assert_ne!(first.name, second.name);

    assert_eq!(get(&mut dev, "hsms/local/keys/Invoices").await.unwrap(), second);
    assert_eq!(get(&mut dev, &first.name).await.unwrap(), first);
    // Names are matched case-insensitively and returned as they were created.
    let uppercase = get(&mut dev, "hsms/LOCAL/keys/INVOICES").await.unwrap();
    assert_eq!(uppercase.name, second.name);
    assert!(uppercase.name.starts_with("hsms/local/keys/Invoices/versions/"), "{}", uppercase.name);
}

#[tokio::test]
async fn unknown_and_deleted_keys_are_not_found() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    let foreign = dev.create(ec("others", "P-256")).await.unwrap();
    let foreign = foreign.name.replace("/others/", "/invoices/");

    let unknown = "hsms/local/keys/invoices/versions/00000000000000000000000000000000";
    for name in ["hsms/local/keys/nothing", unknown, &foreign] {
        let status = get(&mut dev, name).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "KEY_NOT_FOUND"), "{name}");
        assert_eq!(error_metadata(&status, "resource"), name);
    }
    let status = get(&mut dev, "hsms/other/keys/invoices").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "HSM_NOT_FOUND"));

    let key = "hsms/local/keys/invoices".to_owned();
    dev.keys.delete_key(pb::DeleteKeyRequest { name: key.clone() }).await.unwrap();
    for name in [key, made.name] {
        let status = get(&mut dev, &name).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::NotFound, "KEY_NOT_FOUND"), "{name}");
    }
}

#[tokio::test]
async fn rejects_invalid_names_and_names_the_field() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for name in [
        "",
        "invoices",
        "hsms/local/keys/",
        "hsms/local/keys/a_b",
        "hsms/local/deletedKeys/invoices",
        "hsms/local/keys/invoices/versions/",
        "hsms/local/keys/invoices/versions/xyz",
        "hsms/local/keys/invoices/versions/75f0e58fa686411f25e386edb8c4879c/more",
        "/hsms/local/keys/invoices",
    ] {
        let status = get(&mut dev, name).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::InvalidArgument, "BAD_PARAMETER"),
            "{name}"
        );
        assert!(!error_metadata(&status, "field").is_empty(), "{name}");
    }
}

#[tokio::test]
async fn refusal_does_not_disclose_existence() {
    let server = Server::start();
    server.client("dev").await.create(ec("invoices", "P-256")).await.unwrap();
    let mut nobody = server.client("nobody").await;
    for name in ["hsms/local/keys/invoices", "hsms/local/keys/nothing"] {
        let status = get(&mut nobody, name).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "ACTION_NOT_GRANTED"));
        assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/managedHsm/keys/read/action");
        assert_eq!(error_metadata(&status, "scope"), name.trim_start_matches("hsms/local"));
    }
    let mut auditor = server.client("crypto-auditor").await;
    assert!(get(&mut auditor, "hsms/local/keys/invoices").await.is_ok());
}
