//! Refusals do not disclose which certificates and issuers exist.

use strongroom::api::grpc::pb;

use super::{
    certificate, create, delete, delete_operation, deleted_certificate, enable_request, every_permission,
    get, get_issuer, get_policy, issue, issuer_request, operation, purge, recover, self_signed, set_issuer,
    unknown,
};
use crate::hsms::Container;
use crate::secrets::create_vault;
use crate::secrets::disclosure::{parts, refused};
use crate::support::{Client, Server};

/// Returns the refusals of all calls that name a certificate.
async fn refusals(client: &mut Client, name: &str) -> Vec<String> {
    let version = format!("{}/versions/{}", certificate(name), "0".repeat(32));
    let versions = pb::ListCertificateVersionsRequest { parent: certificate(name), ..Default::default() };
    let deleted = pb::GetDeletedCertificateRequest { name: deleted_certificate(name) };
    let import = pb::ImportCertificateRequest {
        parent: super::VAULT.to_owned(),
        certificate_id: name.to_owned(),
        value: b"none".to_vec(),
        ..Default::default()
    };
    let merge = pb::MergeCertificateRequest { name: certificate(name), ..Default::default() };
    let cancel = pb::CancelCertificateOperationRequest { name: format!("{}/pending", certificate(name)) };
    let policy = pb::UpdateCertificatePolicyRequest {
        name: format!("{}/policy", certificate(name)),
        policy: Some(self_signed()),
        update_mask: Some(prost_types::FieldMask { paths: vec!["key".to_owned()] }),
    };
    let update = enable_request(&certificate(name), true);
    let all = [
        refused(create(client, name, self_signed()).await),
        refused(client.certificates.import_certificate(import).await),
        refused(client.certificates.merge_certificate(merge).await),
        refused(get(client, &certificate(name)).await),
        refused(get(client, &version).await),
        refused(client.certificates.list_certificate_versions(versions).await),
        refused(client.certificates.update_certificate_version(update).await),
        refused(get_policy(client, name).await),
        refused(client.certificates.update_certificate_policy(policy).await),
        refused(operation(client, name).await),
        refused(client.certificates.cancel_certificate_operation(cancel).await),
        refused(delete_operation(client, name).await),
        refused(delete(client, name).await),
        refused(client.certificates.get_deleted_certificate(deleted).await),
        refused(recover(client, name).await),
        refused(purge(client, name).await),
    ];
    all.iter().map(|status| parts(status, name)).collect()
}

/// Returns the refusals of all calls that name an issuer.
async fn refusals_about_issuer(client: &mut Client, name: &str) -> Vec<String> {
    let resource = format!("{}/issuers/{name}", super::VAULT);
    let update = pb::UpdateCertificateIssuerRequest {
        name: resource.clone(),
        issuer: issuer_request(name).issuer,
        update_mask: Some(prost_types::FieldMask { paths: vec!["provider".to_owned()] }),
    };
    let delete = pb::DeleteCertificateIssuerRequest { name: resource };
    let all = [
        refused(client.certificates.set_certificate_issuer(issuer_request(name)).await),
        refused(get_issuer(client, name).await),
        refused(client.certificates.update_certificate_issuer(update).await),
        refused(client.certificates.delete_certificate_issuer(delete).await),
    ];
    all.iter().map(|status| parts(status, name)).collect()
}

#[tokio::test]
async fn refusals_are_the_same_for_certificates_in_any_state() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![every_permission(&server, "dev")];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    for name in ["live", "disabled", "deleted"] {
        issue(&mut dev, name).await;
    }
    let disable = enable_request(&certificate("disabled"), false);
    dev.certificates.update_certificate_version(disable).await.unwrap();
    delete(&mut dev, "deleted").await.unwrap();
    create(&mut dev, "requested", unknown()).await.unwrap();
    set_issuer(&mut dev, "acme").await;
    let mut nobody = server.client("nobody").await;
    for with_roles in [false, true] {
        if with_roles {
            let name = Container::of(&server).vault("sample");
            let vault = pb::Vault { name, rbac_authorization: Some(true), ..Default::default() };
            let update_mask = Some(prost_types::FieldMask { paths: vec!["rbac_authorization".to_owned()] });
            let request = pb::UpdateVaultRequest { vault: Some(vault), update_mask };
            dev.vaults.update_vault(request).await.unwrap();
        }
        let nothing = refusals(&mut nobody, "nothing").await;
        for name in ["live", "disabled", "deleted", "requested"] {
            assert_eq!(refusals(&mut nobody, name).await, nothing, "{name}");
        }
        let nothing = refusals_about_issuer(&mut nobody, "nothing").await;
        assert_eq!(refusals_about_issuer(&mut nobody, "acme").await, nothing);
    }
}
