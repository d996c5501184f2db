//! Listing the deleted keys of an HSM.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::support::{Client, Server, ec, error_metadata, reason};

async fn page(
    client: &mut Client,
    size: i32,
    token: &str,
) -> Result<pb::ListDeletedKeysResponse, tonic::Status> {
    let request = pb::ListDeletedKeysRequest {
        parent: "hsms/local".to_owned(),
        page_size: size,
        page_token: token.to_owned(),
    };
    client.keys.list_deleted_keys(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn lists_by_name_in_pages_of_any_size() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    assert_eq!(page(&mut dev, 0, "").await.unwrap(), pb::ListDeletedKeysResponse::default());
    let mut deleted = Vec::new();
    for name in ["c", "live", "A", "b", "d"] {
        dev.create(ec(name, "P-256")).await.unwrap();
        if name != "live" {
            let request = pb::DeleteKeyRequest { name: format!("hsms/local/keys/{name}") };
            deleted.push(dev.keys.delete_key(request).await.unwrap().into_inner());
        }
    }
    deleted.sort_by_key(|key| key.name.to_lowercase());
    for size in [0, 1, 2, 3, 4, 5] {
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(&mut dev, size, &token).await.unwrap();
            assert!(size == 0 || page.deleted_keys.len() <= usize::try_from(size).unwrap());
            listed.extend(page.deleted_keys);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, deleted, "pages of {size}");
    }

    let request = pb::RecoverDeletedKeyRequest { name: "hsms/local/deletedKeys/b".to_owned() };
    dev.keys.recover_deleted_key(request).await.unwrap();
    let names: Vec<_> =
        page(&mut dev, 0, "").await.unwrap().deleted_keys.into_iter().map(|k| k.name).collect();
    assert_eq!(names, ["A", "c", "d"].map(|name| format!("hsms/local/deletedKeys/{name}")));
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for (size, token, field) in [(-1, "", "page_size"), (0, "%%%", "page_token")] {
        let status = page(&mut dev, size, token).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "BAD_PARAMETER"));
        assert_eq!(error_metadata(&status, "field"), field);
    }
    let status = page(&mut server.client("crypto-user").await, 0, "").await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(
        error_metadata(&status, "action"),
        "Microsoft.KeyVault/managedHsm/keys/deletedKeys/read/action"
    );
    assert_eq!(error_metadata(&status, "scope"), "/keys");
}
