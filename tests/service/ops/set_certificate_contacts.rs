//! Setting the contacts of the certificates of a vault.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{VAULT, contacts, contacts_request, start, start_with_permissions};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn set(
    client: &mut Client,
    contacts: Vec<pb::CertificateContact>,
) -> Result<pb::CertificateContacts, Status> {
    let request = pb::SetCertificateContactsRequest { parent: VAULT.to_owned(), contacts };
    client.certificates.set_certificate_contacts(request).await.map(tonic::Response::into_inner)
}

fn contact(email: &str) -> pb::CertificateContact {
    pb::CertificateContact { email: email.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn contacts_are_replaced_as_a_whole() {
    let (mut server, mut dev) = start().await;
    let request = contacts_request();
    let answer = dev.certificates.set_certificate_contacts(request.clone()).await;
    assert_audited(&server, metadata(&answer), "CertificateContactsSet", "OK", "vaults/sample/certificates");
    assert_eq!(answer.unwrap().into_inner().contacts, request.contacts);
    assert_eq!(contacts(&mut dev).await.unwrap().contacts, request.contacts);
    let other = vec![contact("c@example.com")];
    set(&mut dev, other.clone()).await.unwrap();
    server.restart();
    assert_eq!(contacts(&mut server.client("dev").await).await.unwrap().contacts, other);
}

#[tokio::test]
async fn rejects_invalid_contacts_and_missing_permission() {
    let (_server, [_, mut user, mut reader]) = start_with_permissions(&["managecontacts"]).await;
    let named = pb::CertificateContact { name: Some("n".repeat(1025)), ..contact("a@example.com") };
    for contacts in [vec![], vec![contact("")], vec![contact("a@example.com"), contact("\0")], vec![named]] {
        assert_bad_parameter(set(&mut user, contacts).await, "contacts");
    }
    let many = vec![contact("a@example.com"); 101];
    let refused = set(&mut user, many.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted, "{refused:?}");
    let request = pb::SetCertificateContactsRequest { parent: "hsms/local".to_owned(), ..contacts_request() };
    assert_bad_parameter(user.certificates.set_certificate_contacts(request).await, "parent");
    assert_not_permitted(set(&mut reader, vec![contact("a@example.com")]).await);
    let missing = contacts(&mut user).await;
    assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_CONTACTS_NOT_FOUND");
    set(&mut user, many[..100].to_vec()).await.unwrap();
}
