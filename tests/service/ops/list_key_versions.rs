//! Listing the versions of a key.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::support::{Client, Server, ec, error_metadata, reason};

async fn page(
    client: &mut Client,
    key: &str,
    size: i32,
    token: &str,
) -> Result<pb::ListKeyVersionsResponse, tonic::Status> {
    let request = pb::ListKeyVersionsRequest {
        parent: format!("hsms/local/keys/{key}"),
        page_size: size,
        page_token: token.to_owned(),
    };
    client.keys.list_key_versions(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn lists_oldest_first_in_pages_of_any_size() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let mut made = Vec::new();
    for curve in ["P-256", "P-384", "P-521", "P-256K", "P-256"] {
        made.push(dev.create(ec("invoices", curve)).await.unwrap());
    }
    dev.create(ec("others", "P-256")).await.unwrap();

    for size in [0, 1, 2, 3, 4, 5, 6] {
        let (mut versions, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(&mut dev, "Invoices", size, &token).await.unwrap();
            assert!(size == 0 || page.versions.len() <= usize::try_from(size).unwrap());
            versions.extend(page.versions);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(versions, made, "pages of {size}");
    }

    // A version created between two pages is on the later page.
    let first = page(&mut dev, "invoices", 3, "").await.unwrap();
    made.push(dev.create(ec("invoices", "P-256")).await.unwrap());
    let rest = page(&mut dev, "invoices", 3, &first.next_page_token).await.unwrap();
    assert_eq!((rest.versions, rest.next_page_token.as_str()), (made[3..].to_vec(), ""));
}

#[tokio::test]
async fn unknown_and_deleted_keys_have_no_versions() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let none = pb::ListKeyVersionsResponse::default();
    assert_eq!(page(&mut dev, "nothing", 0, "").await.unwrap(), none);
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let name = "hsms/local/keys/invoices".to_owned();
    dev.keys.delete_key(pb::DeleteKeyRequest { name }).await.unwrap();
    assert_eq!(page(&mut dev, "invoices", 0, "").await.unwrap(), none);
}

#[tokio::test]
async fn rejects_invalid_arguments() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    for (size, token, field) in [
        (-1, "", "page_size"),
        (0, "invoices", "page_token"),
        (0, "-1", "page_token"),
        (0, "18446744073709551616", "page_token"),
    ] {
        let status = page(&mut dev, "invoices", size, token).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::InvalidArgument, "BAD_PARAMETER"),
            "{token}"
        );
        assert_eq!(error_metadata(&status, "field"), field, "{token}");
    }
    // A token beyond the last version returns an empty page.
    for token in ["7", "18446744073709551615"] {
        let page = page(&mut dev, "invoices", 10, token).await.unwrap();
        assert_eq!(page, pb::ListKeyVersionsResponse::default(), "{token}");
    }
    for parent in ["hsms/local", "hsms/local/keys/a_b", "hsms/local/deletedKeys/invoices"] {
        let request = pb::ListKeyVersionsRequest { parent: parent.to_owned(), ..Default::default() };
        let status = dev.keys.list_key_versions(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{parent}");
    }
}

#[tokio::test]
async fn requires_read_permission_at_the_key() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let mut nobody = server.client("nobody").await;
    let status = page(&mut nobody, "invoices", 0, "").await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(error_metadata(&status, "scope"), "/keys/invoices");

    let auditor = "hsms/local/roleDefinitions/2c18b078-7c48-4d3a-af88-5a3a1b3f82b3";
    let request = pb::CreateRoleAssignmentRequest {
        parent: "hsms/local".to_owned(),
        role_definition: auditor.to_owned(),
        principal_id: server.principal("nobody").object_id,
        scope: "/keys/invoices".to_owned(),
        ..Default::default()
    };
    dev.access.create_role_assignment(request).await.unwrap();
    assert_eq!(page(&mut nobody, "invoices", 0, "").await.unwrap().versions.len(), 1);
    let status = page(&mut nobody, "others", 0, "").await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}
