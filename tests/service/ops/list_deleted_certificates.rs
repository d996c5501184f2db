//! Listing the deleted certificates of a vault.

use strongroom::api::grpc::pb;
use tonic::Status;

use crate::certificates::{
    VAULT, delete, deleted_certificate, issue, item, recover, start, start_with_permissions,
};
use crate::roles::support::assert_bad_parameter;
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn page(
    client: &mut Client,
    size: i32,
    token: &str,
) -> Result<pb::ListDeletedCertificatesResponse, Status> {
    let request = pb::ListDeletedCertificatesRequest {
        parent: VAULT.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
    };
    client.certificates.list_deleted_certificates(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn lists_by_name_in_pages_of_any_size() {
    let (_server, mut dev) = start().await;
    assert_eq!(page(&mut dev, 0, "").await.unwrap(), pb::ListDeletedCertificatesResponse::default());
    let mut expected = Vec::new();
    for name in ["c", "live", "A", "b"] {
        issue(&mut dev, name).await;
        if name != "live" {
            let deleted = delete(&mut dev, name).await.unwrap();
            // Who may list certificates may not read them.
            let certificate = deleted.certificate.as_ref().map(item);
            expected.push(pb::DeletedCertificateBundle { certificate, ..deleted });
        }
    }
    expected.sort_by_key(|deleted| deleted.name.to_lowercase());
    for size in [0, 1, 2, 3, 4] {
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(&mut dev, size, &token).await.unwrap();
            assert!(size == 0 || page.deleted_certificates.len() <= usize::try_from(size).unwrap());
            listed.extend(page.deleted_certificates);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, expected, "pages of {size}");
    }
    recover(&mut dev, "b").await.unwrap();
    let page = page(&mut dev, 0, "").await.unwrap();
    let names: Vec<_> = page.deleted_certificates.into_iter().map(|deleted| deleted.name).collect();
    assert_eq!(names, ["A", "c"].map(deleted_certificate));
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let (_server, [_, mut user, mut reader]) = start_with_permissions(&["list"]).await;
    for (size, token, field) in [(-1, "", "page_size"), (0, "%%%", "page_token")] {
        assert_bad_parameter(page(&mut user, size, token).await, field);
    }
    for parent in ["", "vaults/sample/deletedCertificates", "hsms/local"] {
        let request = pb::ListDeletedCertificatesRequest { parent: parent.to_owned(), ..Default::default() };
        assert_bad_parameter(user.certificates.list_deleted_certificates(request).await, "parent");
    }
    page(&mut user, 0, "").await.unwrap();
    assert_not_permitted(page(&mut reader, 0, "").await);
}
