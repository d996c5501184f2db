//! A valid encoded request for each RPC on certificates.
//!
//! Requests succeed on the objects that `certificates::create_certificates` creates.

use prost::Message as _;
use strongroom::api::grpc::pb;

use crate::certificates::{
    VAULT, certificate, contacts_request, create_request, deleted_certificate, enable_request,
    issuer_request, self_signed,
};

/// Returns a request, or `None` if the RPC is not about certificates.
pub(super) fn valid_request(rpc: &str) -> Option<Vec<u8>> {
    let (parent, name) = (VAULT.to_owned(), certificate("issued"));
    let deleted = deleted_certificate("removed");
    let pending = format!("{}/pending", certificate("pending"));
    let policy = format!("{name}/policy");
    let issuer = format!("{VAULT}/issuers/acme");
    let request = match rpc {
        "CreateCertificate" => create_request("created", self_signed()).encode_to_vec(),
        // A private key belongs to the import.
        "ImportCertificate" => {
            let certificate_id = "imported".to_owned();
            pb::ImportCertificateRequest {
                parent,
                certificate_id,
                value: b"none".to_vec(),
                ..Default::default()
            }
            .encode_to_vec()
        }
        // Only an issuer can have made the certificate for the request.
        "MergeCertificate" => {
            let name = certificate("pending");
            pb::MergeCertificateRequest { name, x5c: vec![b"none".to_vec()], ..Default::default() }
                .encode_to_vec()
        }
        "GetCertificate" => pb::GetCertificateRequest { name }.encode_to_vec(),
        "ListCertificates" => pb::ListCertificatesRequest { parent, ..Default::default() }.encode_to_vec(),
        "ListCertificateVersions" => {
            pb::ListCertificateVersionsRequest { parent: name, ..Default::default() }.encode_to_vec()
        }
        "UpdateCertificateVersion" => enable_request(&name, true).encode_to_vec(),
        "GetCertificatePolicy" => pb::GetCertificatePolicyRequest { name: policy }.encode_to_vec(),
        "UpdateCertificatePolicy" => {
            let update_mask = Some(prost_types::FieldMask { paths: vec!["key".to_owned()] });
            pb::UpdateCertificatePolicyRequest { name: policy, policy: Some(self_signed()), update_mask }
                .encode_to_vec()
        }
        "GetCertificateOperation" => {
            pb::GetCertificateOperationRequest { name: pending, ..Default::default() }.encode_to_vec()
        }
        "CancelCertificateOperation" => {
            pb::CancelCertificateOperationRequest { name: pending }.encode_to_vec()
        }
        "DeleteCertificateOperation" => {
            pb::DeleteCertificateOperationRequest { name: pending }.encode_to_vec()
        }
        "BackupCertificate" => pb::BackupCertificateRequest { name }.encode_to_vec(),
        // Only the service that restores a backup can have made it.
        "RestoreCertificate" => {
            pb::RestoreCertificateRequest { parent, backup: b"none".to_vec() }.encode_to_vec()
        }
        "DeleteCertificate" => pb::DeleteCertificateRequest { name }.encode_to_vec(),
        "GetDeletedCertificate" => pb::GetDeletedCertificateRequest { name: deleted }.encode_to_vec(),
        "ListDeletedCertificates" => {
            pb::ListDeletedCertificatesRequest { parent, ..Default::default() }.encode_to_vec()
        }
        "RecoverDeletedCertificate" => pb::RecoverDeletedCertificateRequest { name: deleted }.encode_to_vec(),
        "PurgeDeletedCertificate" => pb::PurgeDeletedCertificateRequest { name: deleted }.encode_to_vec(),
        "SetCertificateContacts" => contacts_request().encode_to_vec(),
        "GetCertificateContacts" => pb::GetCertificateContactsRequest { parent }.encode_to_vec(),
        "DeleteCertificateContacts" => pb::DeleteCertificateContactsRequest { parent }.encode_to_vec(),
        "SetCertificateIssuer" => issuer_request("acme").encode_to_vec(),
        "UpdateCertificateIssuer" => {
            let update_mask = Some(prost_types::FieldMask { paths: vec!["provider".to_owned()] });
            pb::UpdateCertificateIssuerRequest {
                name: issuer,
                update_mask,
                issuer: issuer_request("acme").issuer,
            }
            .encode_to_vec()
        }
        "GetCertificateIssuer" => pb::GetCertificateIssuerRequest { name: issuer }.encode_to_vec(),
        "ListCertificateIssuers" => {
            pb::ListCertificateIssuersRequest { parent, ..Default::default() }.encode_to_vec()
        }
        "DeleteCertificateIssuer" => pb::DeleteCertificateIssuerRequest { name: issuer }.encode_to_vec(),
        _ => return None,
    };
    Some(request)
}
