//! Downloading the security domain: who opens it, and that it activates the HSM.

use strongroom::api::grpc::pb;
use strongroom::security_domain::{Error, SecurityDomain};
use tonic::Code;

use crate::calls::{invalid_field, refusal};
use crate::key_backups::backup;
use crate::security_domains::{Holder, create, download, holders};
use crate::support::{Server, ec};

#[tokio::test]
async fn a_quorum_of_private_keys_opens_the_file() {
    let server = Server::start();
    let mut administrator = server.client("administrator").await;
    let holders = holders();
    let file = download(&mut administrator, "local", &holders).await.unwrap();
    let domain = SecurityDomain::parse(&file).unwrap();
    assert_eq!((domain.quorum(), domain.thumbprints().len()), (2, 3));
    let [a, b, c] = &holders;
    let (_, data) = domain.open(&[a.key(), c.key()]).unwrap();
    let tags: Vec<_> = data.iter().map(|datum| datum.tag.as_str()).collect();
    assert_eq!(tags, ["hsm_backup", "base_enclave_backup", "partition_enclave_backup"]);
    assert!(matches!(domain.open(&[b.key()]), Err(Error::TooFewShares { required: 2, given: 1 })));
    let foreign = Holder::generate();
    assert!(matches!(domain.open(&[a.key(), foreign.key()]), Err(Error::ForeignCertificate(_))));
    // Another download has other shares of the same secrets.
    let again = download(&mut administrator, "local", &holders).await.unwrap();
    assert_ne!(again, file);
    assert_eq!(SecurityDomain::parse(&again).unwrap().open(&[b.key(), c.key()]).unwrap().1, data);
}

#[tokio::test]
async fn first_download_activates_the_hsm() {
    let server = Server::start();
    create(&server, "payroll").await;
    let mut administrator = server.client("administrator").await;
    let status = |status: &str, status_details: &str| pb::SecurityDomainOperation {
        status: status.to_owned(),
        status_details: status_details.to_owned(),
    };
    let request = pb::GetSecurityDomainDownloadRequest { name: "hsms/payroll".to_owned() };
    let before = administrator.security_domains.get_security_domain_download(request.clone()).await;
    assert_eq!(before.unwrap().into_inner().status, "InProgress");
    download(&mut administrator, "payroll", &holders()).await.unwrap();
    let after = administrator.security_domains.get_security_domain_download(request).await;
    assert_eq!(after.unwrap().into_inner(), status("Success", "The resource is active."));
    let list = pb::ListRoleAssignmentsRequest { parent: "hsms/payroll".to_owned(), ..Default::default() };
    administrator.access.list_role_assignments(list).await.unwrap();
}

#[tokio::test]
async fn rejects_unsuitable_certificates_and_quorums() {
    let server = Server::start();
    create(&server, "payroll").await;
    let mut administrator = server.client("administrator").await;
    let [a, b, c] = holders().map(|holder| holder.certificate().der().to_vec());
    let mut request = async |certificates: Vec<Vec<u8>>, quorum| {
        let request =
            pb::DownloadSecurityDomainRequest { name: "hsms/payroll".to_owned(), certificates, quorum };
        invalid_field(administrator.security_domains.download_security_domain(request).await)
    };
    assert_eq!(request(vec![a.clone(), b.clone()], 2).await, "certificates");
    assert_eq!(request(vec![a.clone(), b.clone(), a.clone()], 2).await, "certificates");
    assert_eq!(request(vec![a.clone(), b.clone(), b"none".to_vec()], 2).await, "certificates");
    for quorum in [0, 1, 4, u32::MAX] {
        assert_eq!(request(vec![a.clone(), b.clone(), c.clone()], quorum).await, "quorum", "{quorum}");
    }
    let list = pb::ListRoleAssignmentsRequest { parent: "hsms/payroll".to_owned(), ..Default::default() };
    let listed = administrator.access.list_role_assignments(list).await;
    assert_eq!(refusal(listed), (Code::FailedPrecondition, "HSM_NOT_ACTIVATED".to_owned()));
}

/// The secrets are in the database only encrypted, and in the audit log not at all.
#[tokio::test]
async fn secrets_are_in_no_file_of_the_service() {
    let mut server = Server::start();
    let mut administrator = server.client("administrator").await;
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    backup(&mut dev, "invoices").await.unwrap();
    let [a, b, c] = holders();
    let holders = [a, b, c];
    let file = download(&mut administrator, "local", &holders).await.unwrap();
    let keys = [holders[0].key(), holders[1].key()];
    let (_, data) = SecurityDomain::parse(&file).unwrap().open(&keys).unwrap();
    assert!(server.stop().success());
    let mut files = 0;
    for entry in walk(&server.directory()) {
        let content = std::fs::read(&entry).unwrap();
        files += 1;
        for datum in &data {
            // Without the version byte.
            let secret = &datum.plaintext[1..];
            let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            for form in [secret, hex.as_bytes(), crate::rest::client::base64url(secret).as_bytes()] {
                assert!(!content.windows(form.len()).any(|window| window == form), "{}", entry.display());
            }
        }
    }
    assert!(files > 5);
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
