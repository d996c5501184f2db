//! Deleting the contacts of the certificates of a vault.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::certificates::{
    VAULT, contacts, contacts_request, get_issuer, set_issuer, start, start_with_permissions,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;
use crate::support::Client;

async fn delete(client: &mut Client, parent: &str) -> Result<pb::CertificateContacts, Status> {
    let request = pb::DeleteCertificateContactsRequest { parent: parent.to_owned() };
    client.certificates.delete_certificate_contacts(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn deletion_returns_the_contacts_and_keeps_issuers() {
    let (server, mut dev) = start().await;
    dev.certificates.set_certificate_contacts(contacts_request()).await.unwrap();
    let issuer = set_issuer(&mut dev, "acme").await;
    let request = pb::DeleteCertificateContactsRequest { parent: VAULT.to_owned() };
    let answer = dev.certificates.delete_certificate_contacts(request).await;
    assert_audited(
        &server,
        metadata(&answer),
        "CertificateContactsDelete",
        "OK",
        "vaults/sample/certificates",
    );
    assert_eq!(answer.unwrap().into_inner().contacts, contacts_request().contacts);
    for missing in [contacts(&mut dev).await, delete(&mut dev, VAULT).await] {
        assert_grpc_error(missing, Code::NotFound, "CERTIFICATE_CONTACTS_NOT_FOUND");
    }
    assert_eq!(get_issuer(&mut dev, "acme").await.unwrap(), issuer);
}

#[tokio::test]
async fn rejects_invalid_names_and_missing_permission() {
    let (_server, [mut dev, mut user, mut reader]) = start_with_permissions(&["managecontacts"]).await;
    dev.certificates.set_certificate_contacts(contacts_request()).await.unwrap();
    for parent in ["", "sample", "hsms/local"] {
        assert_bad_parameter(delete(&mut user, parent).await, "parent");
    }
    assert_not_permitted(delete(&mut reader, VAULT).await);
    delete(&mut user, VAULT).await.unwrap();
}
