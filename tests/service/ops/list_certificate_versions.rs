//! Listing the versions of a certificate.

use strongroom::api::grpc::pb;
use tonic::Status;

use crate::certificates::{
    certificate, create, delete, issue, item, recover, start, start_with_permissions, unknown, versions,
};
use crate::roles::support::assert_bad_parameter;
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn page(
    client: &mut Client,
    name: &str,
    size: i32,
    token: &str,
) -> Result<pb::ListCertificateVersionsResponse, Status> {
    let request = pb::ListCertificateVersionsRequest {
        parent: name.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
    };
    client.certificates.list_certificate_versions(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn lists_oldest_first_in_pages_of_any_size() {
    let (_server, mut dev) = start().await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.push(item(&issue(&mut dev, "web").await));
    }
    issue(&mut dev, "other").await;
    for size in [0, 1, 2, 3, 1000] {
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(&mut dev, &certificate("WEB"), size, &token).await.unwrap();
            listed.extend(page.versions);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, expected, "pages of {size}");
    }
    // An operation in progress is no version.
    create(&mut dev, "web", unknown()).await.unwrap();
    create(&mut dev, "pending", unknown()).await.unwrap();
    assert_eq!(versions(&mut dev, "web").await, expected);
    for name in ["pending", "nothing"] {
        assert!(versions(&mut dev, name).await.is_empty(), "{name}");
    }
    delete(&mut dev, "web").await.unwrap();
    assert!(versions(&mut dev, "web").await.is_empty());
    recover(&mut dev, "web").await.unwrap();
    assert_eq!(versions(&mut dev, "web").await, expected);
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["list"]).await;
    let made = issue(&mut dev, "web").await;
    for name in ["", "web", "vaults/sample", &made.name] {
        assert_bad_parameter(page(&mut dev, name, 0, "").await, "parent");
    }
    for (size, token, field) in [(-1, "", "page_size"), (0, "%%%", "page_token")] {
        assert_bad_parameter(page(&mut user, &certificate("web"), size, token).await, field);
    }
    for name in ["web", "nothing"] {
        assert_not_permitted(page(&mut reader, &certificate(name), 0, "").await);
    }
}
