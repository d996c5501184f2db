//! Listing the issuers of certificates of a vault.

use strongroom::api::grpc::pb;
use tonic::Status;

use crate::certificates::{VAULT, set_issuer, start, start_with_permissions};
use crate::roles::support::assert_bad_parameter;
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn page(
    client: &mut Client,
    size: i32,
    token: &str,
) -> Result<pb::ListCertificateIssuersResponse, Status> {
    let request = pb::ListCertificateIssuersRequest {
        parent: VAULT.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
    };
    client.certificates.list_certificate_issuers(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn lists_names_and_providers_in_pages_of_any_size() {
    let (_server, mut dev) = start().await;
    assert_eq!(page(&mut dev, 0, "").await.unwrap(), pb::ListCertificateIssuersResponse::default());
    let mut expected = Vec::new();
    for name in ["c", "A", "b"] {
        let pb::CertificateIssuer { name, provider, .. } = set_issuer(&mut dev, name).await;
        // Accounts and persons are for those who may read the issuer.
        expected.push(pb::CertificateIssuer { name, provider, ..Default::default() });
    }
    expected.sort_by_key(|issuer| issuer.name.to_lowercase());
    for size in [0, 1, 2, 3] {
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(&mut dev, size, &token).await.unwrap();
            listed.extend(page.issuers);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, expected, "pages of {size}");
    }
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let (_server, [_, mut user, mut reader]) = start_with_permissions(&["listissuers"]).await;
    for (size, token, field) in [(-1, "", "page_size"), (0, "%%%", "page_token")] {
        assert_bad_parameter(page(&mut user, size, token).await, field);
    }
    for parent in ["", "vaults/sample/issuers", "hsms/local"] {
        let request = pb::ListCertificateIssuersRequest { parent: parent.to_owned(), ..Default::default() };
        assert_bad_parameter(user.certificates.list_certificate_issuers(request).await, "parent");
    }
    page(&mut user, 0, "").await.unwrap();
    assert_not_permitted(page(&mut reader, 0, "").await);
}
