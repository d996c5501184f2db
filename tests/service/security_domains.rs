//! Calls and key pairs for tests of the security domain.

use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use strongroom::api::grpc::pb;
use strongroom::security_domain::{
    Certificate, PrivateKey, SecurityDomain, TransferKey, Upload, WrappingKey,
};
use tonic::Status;

use crate::support::Client;

/// A key pair that a share is encrypted for.
pub(crate) struct Holder {
    certificate: String,
    private_key: String,
}

impl Holder {
    pub(crate) fn generate() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        Self { certificate: certificate.pem(), private_key: key.serialize_pem() }
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::from_pem(&self.certificate).unwrap()
    }

    pub(crate) fn key(&self) -> WrappingKey {
        let key = PrivateKey::from_pem(&self.private_key, None).unwrap();
        WrappingKey::new(self.certificate(), key).unwrap()
    }
}

/// Three key pairs.
pub(crate) fn holders() -> [Holder; 3] {
    [(); 3].map(|()| Holder::generate())
}

/// Downloads the security domain for these holders, with quorum 2.
pub(crate) async fn download(client: &mut Client, hsm: &str, holders: &[Holder]) -> Result<String, Status> {
    let certificates = holders.iter().map(|holder| holder.certificate().der().to_vec()).collect();
    let request = pb::DownloadSecurityDomainRequest { name: format!("hsms/{hsm}"), certificates, quorum: 2 };
    Ok(client.security_domains.download_security_domain(request).await?.into_inner().security_domain)
}

/// Returns the certificate of the transfer key.
pub(crate) async fn transfer_key(client: &mut Client, hsm: &str) -> Result<Certificate, Status> {
    let request = pb::GetTransferKeyRequest { name: format!("hsms/{hsm}") };
    let key = client.security_domains.get_transfer_key(request).await?.into_inner();
    Ok(Certificate::from_der(&key.certificate).unwrap())
}

/// Decrypts a downloaded security domain, and encrypts it for a transfer key.
pub(crate) fn restore_blob(file: &str, holders: &[Holder], transfer_key: Certificate) -> String {
    let keys: Vec<_> = holders.iter().map(Holder::key).collect();
    let (_, data) = SecurityDomain::parse(file).unwrap().open(&keys).unwrap();
    Upload::seal(&data, &TransferKey::new(transfer_key)).unwrap().to_text().unwrap()
}

/// Uploads a restore blob.
pub(crate) async fn upload(client: &mut Client, hsm: &str, restore_blob: &str) -> Result<String, Status> {
    let request = pb::UploadSecurityDomainRequest {
        name: format!("hsms/{hsm}"),
        restore_blob: restore_blob.to_owned(),
    };
    Ok(client.security_domains.upload_security_domain(request).await?.into_inner().status)
}

/// Creates an HSM that is not activated, with `administrator` as its administrator.
pub(crate) async fn create(server: &crate::support::Server, name: &str) {
    let request = crate::hsms::Container::of(server).create_request(name);
    let mut contributor = server.client("contributor").await;
    contributor.hsms.create_managed_hsm(request).await.unwrap();
}
