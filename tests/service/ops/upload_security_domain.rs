//! Uploading the security domain of another HSM: then it restores the backups of that HSM.

use strongroom::api::grpc::pb;
use strongroom::security_domain::{Datum, SecurityDomain, TransferKey, Upload};
use tonic::Code;
use zeroize::Zeroizing;

use crate::calls::{invalid_field, key, refusal, sign};
use crate::hsms::create_activated;
use crate::key_backups::{backup, restore};
use crate::security_domains::{create, download, holders, restore_blob, transfer_key, upload};
use crate::software::verifies;
use crate::support::{Server, ec};

#[tokio::test]
async fn hsm_with_the_same_domain_restores_the_backups() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    let text = backup(&mut dev, "invoices").await.unwrap();
    create(&server, "payroll").await;
    let mut administrator = server.client("administrator").await;
    let holders = holders();
    let file = download(&mut administrator, "local", &holders).await.unwrap();
    let certificate = transfer_key(&mut administrator, "payroll").await.unwrap();
    let blob = restore_blob(&file, &holders[1..], certificate);
    assert_eq!(upload(&mut administrator, "payroll", &blob).await.unwrap(), "Success");
    let request = pb::GetSecurityDomainUploadRequest { name: "hsms/payroll".to_owned() };
    let status = administrator.security_domains.get_security_domain_upload(request).await;
    assert_eq!(status.unwrap().into_inner().status, "Success");

    // The key exists in both HSMs, with the same version.
    server.restart();
    let mut administrator = server.client("administrator").await;
    let role = crate::roles::support::assignment_request(
        crate::roles::support::CRYPTO_USER,
        &server.principal("crypto-user").object_id,
        "/",
    );
    let role = pb::CreateRoleAssignmentRequest { parent: "hsms/payroll".to_owned(), ..role };
    administrator.access.create_role_assignment(role).await.unwrap();
    let mut user = server.client("crypto-user").await;
    let restored = restore(&mut user, "payroll", &text).await.unwrap();
    assert_eq!(restored.name.replace("payroll", "local"), made.name);
    assert_eq!(restored.key, made.key);
    let digest = [7; 32];
    for name in [restored.name, made.name] {
        let signature = sign(&mut user, &name, "ES256", &digest).await.unwrap().signature;
        assert!(verifies(made.key.as_ref().unwrap(), "ES256", &digest, &signature));
    }
    // Deleting it in one does not affect the other.
    let name = "hsms/payroll/keys/invoices".to_owned();
    user.keys.delete_key(pb::DeleteKeyRequest { name }).await.unwrap();
    sign(&mut user, &key("invoices"), "ES256", &digest).await.unwrap();
}

#[tokio::test]
async fn rejects_other_recipients_modified_and_foreign_documents() {
    let server = Server::start();
    for name in ["payroll", "second"] {
        create(&server, name).await;
    }
    let mut administrator = server.client("administrator").await;
    let holders = holders();
    let file = download(&mut administrator, "local", &holders).await.unwrap();
    let [payroll, second] = ["payroll", "second"];
    let certificate = transfer_key(&mut administrator, payroll).await.unwrap();
    let other = transfer_key(&mut administrator, second).await.unwrap();
    let blob = restore_blob(&file, &holders[..2], certificate.clone());
    let for_other = restore_blob(&file, &holders[..2], other);
    let keys: Vec<_> = holders.iter().map(crate::security_domains::Holder::key).collect();
    let (_, mut data) = SecurityDomain::parse(&file).unwrap().open(&keys).unwrap();
    data.truncate(2);
    let seal = |data: &[Datum]| {
        Upload::seal(data, &TransferKey::new(certificate.clone())).unwrap().to_text().unwrap()
    };
    let incomplete = seal(&data);
    let foreign = seal(&[Datum { tag: "hsm_backup".to_owned(), plaintext: Zeroizing::new(vec![9; 3000]) }]);
    let wrapped = blob.find("enc_key").unwrap() + 200;
    let mut modified = blob.clone().into_bytes();
    modified[wrapped] = if modified[wrapped] == b'A' { b'B' } else { b'A' };
    for (what, wrong) in [
        ("another HSM", for_other),
        ("modified", String::from_utf8(modified).unwrap()),
        ("incomplete", incomplete),
        ("foreign", foreign),
        ("the file itself", file),
        ("empty", String::new()),
        ("no JSON", "restore".to_owned()),
    ] {
        let field = invalid_field(upload(&mut administrator, payroll, &wrong).await);
        assert_eq!(field, "restore_blob", "{what}");
    }
    // Nothing was changed: the right document is accepted, once.
    upload(&mut administrator, payroll, &blob).await.unwrap();
    let again = refusal(upload(&mut administrator, payroll, &blob).await);
    assert_eq!(again, (Code::FailedPrecondition, "HSM_ALREADY_ACTIVATED".to_owned()));
}

#[tokio::test]
async fn active_hsm_keeps_its_domain() {
    let server = Server::start();
    let request = crate::hsms::Container::of(&server).create_request("payroll");
    create_activated(&server, request).await;
    let mut administrator = server.client("administrator").await;
    let blob = include_str!("../../../crates/security-domain/tests/vectors/blob.json");
    let refused = refusal(upload(&mut administrator, "payroll", blob).await);
    assert_eq!(refused, (Code::FailedPrecondition, "HSM_ALREADY_ACTIVATED".to_owned()));
}
