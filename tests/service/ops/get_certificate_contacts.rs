//! Reading the contacts of the certificates of a vault.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::certificates::{VAULT, contacts, contacts_request, start, start_with_permissions};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;

#[tokio::test]
async fn returns_what_was_set() {
    let (server, mut dev) = start().await;
    let missing = contacts(&mut dev).await;
    assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_CONTACTS_NOT_FOUND");
    dev.certificates.set_certificate_contacts(contacts_request()).await.unwrap();
    let request = pb::GetCertificateContactsRequest { parent: VAULT.to_owned() };
    let answer = dev.certificates.get_certificate_contacts(request).await;
    assert_audited(&server, metadata(&answer), "CertificateContactsGet", "OK", "vaults/sample/certificates");
    assert_eq!(answer.unwrap().into_inner().contacts, contacts_request().contacts);
}

#[tokio::test]
async fn rejects_invalid_names_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["managecontacts"]).await;
    dev.certificates.set_certificate_contacts(contacts_request()).await.unwrap();
    for parent in ["", "sample", "hsms/local", "vaults/sample/certificates"] {
        let request = pb::GetCertificateContactsRequest { parent: parent.to_owned() };
        assert_bad_parameter(user.certificates.get_certificate_contacts(request).await, "parent");
    }
    assert_not_permitted(contacts(&mut reader).await);
    contacts(&mut user).await.unwrap();
}
