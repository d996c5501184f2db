//! Listing the certificates of a vault.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    VAULT, certificate, create, delete, enable_request, get, issue, item, list, start,
    start_with_permissions, unknown,
};
use crate::roles::support::{assert_bad_parameter, assert_grpc_error};
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn page(
    client: &mut Client,
    include_pending: bool,
    size: i32,
    token: &str,
) -> Result<pb::ListCertificatesResponse, Status> {
    let request = pb::ListCertificatesRequest {
        parent: VAULT.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
        include_pending,
    };
    client.certificates.list_certificates(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn lists_by_name_in_pages_of_any_size() {
    let (_server, mut dev) = start().await;
    assert_eq!(page(&mut dev, true, 0, "").await.unwrap(), pb::ListCertificatesResponse::default());
    let mut expected = Vec::new();
    for name in ["c", "A", "b-1", "gone"] {
        let current = issue(&mut dev, name).await;
        match name {
            "gone" => drop(delete(&mut dev, name).await.unwrap()),
            _ => expected.push(pb::CertificateBundle { name: certificate(name), ..item(&current) }),
        }
    }
    create(&mut dev, "aa", unknown()).await.unwrap();
    let unissued = get(&mut dev, &certificate("aa")).await.unwrap();
    let unissued = pb::CertificateBundle { name: certificate("aa"), ..item(&unissued) };
    for include_pending in [false, true] {
        let mut expected = expected.clone();
        if include_pending {
            expected.push(unissued.clone());
        }
        expected.sort_by_key(|listed| listed.name.to_lowercase());
        for size in [0, 1, 2, 3, 1000] {
            let (mut listed, mut token) = (Vec::new(), String::new());
            loop {
                let page = page(&mut dev, include_pending, size, &token).await.unwrap();
                assert!(size == 0 || page.certificates.len() <= usize::try_from(size).unwrap());
                listed.extend(page.certificates);
                token = page.next_page_token;
                if token.is_empty() {
                    break;
                }
            }
            assert_eq!(listed, expected, "pages of {size}");
        }
    }
    // Disabled certificates are listed.
    dev.certificates.update_certificate_version(enable_request(&certificate("a"), false)).await.unwrap();
    assert!(!list(&mut dev).await[0].enabled);
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["list"]).await;
    for (size, token, field) in [(-1, "", "page_size"), (0, "%%%", "page_token")] {
        assert_bad_parameter(page(&mut user, false, size, token).await, field);
    }
    for parent in ["", "sample", "vaults/a", "hsms/local", "vaults/sample/certificates"] {
        let request = pb::ListCertificatesRequest { parent: parent.to_owned(), ..Default::default() };
        assert_bad_parameter(dev.certificates.list_certificates(request).await, "parent");
    }
    let request = pb::ListCertificatesRequest { parent: "vaults/nothing".to_owned(), ..Default::default() };
    let missing = dev.certificates.list_certificates(request).await;
    assert_grpc_error(missing, Code::NotFound, "VAULT_NOT_FOUND");
    assert_not_permitted(page(&mut reader, false, 0, "").await);
    page(&mut user, false, 0, "").await.unwrap();
}
