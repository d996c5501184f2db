//! Helpers for certificates of vaults over gRPC, and tests of what refusals disclose.

mod disclosure;

use std::collections::HashMap;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use strongroom::api::grpc::pb;
use tempfile::TempDir;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tonic::{Response, Status};

use crate::cli::openssl;
use crate::secrets;
use crate::support::{Client, Server};

/// The vault that [`start`] creates.
pub(crate) use crate::secrets::VAULT;
/// The host in the certificates of [`self_signed`] and [`unknown`].
pub(crate) const HOST: &str = "www.example.com";

/// Returns the resource name of a certificate of the vault.
pub(crate) fn certificate(name: &str) -> String {
    format!("{VAULT}/certificates/{name}")
}

/// Returns the resource name of a deleted certificate of the vault.
pub(crate) fn deleted_certificate(name: &str) -> String {
    format!("{VAULT}/deletedCertificates/{name}")
}

/// Returns an access policy with permissions for certificates.
pub(crate) fn policy(server: &Server, principal: &str, permissions: &[&str]) -> pb::AccessPolicy {
    let names = permissions.iter().map(|name| (*name).to_owned()).collect();
    pb::AccessPolicy {
        permissions: Some(pb::AccessPermissions {
            certificates: Some(pb::PermissionNames { names }),
            ..Default::default()
        }),
        ..secrets::policy(server, principal, &[])
    }
}

/// Returns an access policy with every permission for keys, secrets and certificates.
pub(crate) fn every_permission(server: &Server, principal: &str) -> pb::AccessPolicy {
    let every = || {
        let names = secrets::EVERY_PERMISSION.map(str::to_owned).to_vec();
        Some(pb::PermissionNames { names })
    };
    pb::AccessPolicy {
        permissions: Some(pb::AccessPermissions {
            keys: every(),
            secrets: every(),
            certificates: every(),
            ..Default::default()
        }),
        ..secrets::policy(server, principal, &[])
    }
}

/// Starts a server with the premium vault `sample`, and returns a client with every permission for its contents.
pub(crate) async fn start() -> (Server, Client) {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![every_permission(&server, "dev")];
    secrets::create_vault(&server, &mut dev, |vault| {
        vault.sku = Some("premium".to_owned());
        vault.access_policies = policies;
    })
    .await;
    (server, dev)
}

/// Starts a server with the vault `sample`, in which `dev` has every permission, `crypto-user` the permissions for certificates that
/// are given, and `reader` all except these. Returns the clients of the three.
pub(crate) async fn start_with_permissions(permissions: &[&str]) -> (Server, [Client; 3]) {
    const ALL: [&str; 16] = [
        "get",
        "list",
        "delete",
        "create",
        "import",
        "update",
        "managecontacts",
        "getissuers",
        "listissuers",
        "setissuers",
        "deleteissuers",
        "manageissuers",
        "recover",
        "purge",
        "backup",
        "restore",
    ];
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let others: Vec<&str> = ALL
        .into_iter()
        // `manageissuers` includes the others for issuers.
        .filter(|name| !permissions.contains(name) && *name != "manageissuers")
        .collect();
    let policies = vec![
        every_permission(&server, "dev"),
        policy(&server, "crypto-user", permissions),
        policy(&server, "reader", &others),
    ];
    secrets::create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    let (user, reader) = (server.client("crypto-user").await, server.client("reader").await);
    (server, [dev, user, reader])
}

/// Returns the policy of a self-signed certificate with an exportable EC key.
pub(crate) fn self_signed() -> pb::CertificatePolicy {
    let names = pb::CertificateAlternativeNames { dns_names: vec![HOST.to_owned()], ..Default::default() };
    pb::CertificatePolicy {
        key: Some(pb::CertificateKeyProperties { kty: Some("EC".to_owned()), ..Default::default() }),
        secret: Some(pb::CertificateSecretProperties {
            content_type: Some("application/x-pem-file".to_owned()),
        }),
        x509: Some(pb::X509Properties {
            subject: Some(format!("CN={HOST}")),
            sans: Some(names),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Returns the same policy for a request that is signed elsewhere.
pub(crate) fn unknown() -> pb::CertificatePolicy {
    pb::CertificatePolicy { issuer: Some(issued_by("Unknown")), ..self_signed() }
}

/// Returns the member `issuer` of a policy.
pub(crate) fn issued_by(issuer: &str) -> pb::CertificateIssuerParameters {
    pb::CertificateIssuerParameters { name: issuer.to_owned(), ..Default::default() }
}

/// Returns a request to create a certificate in the vault.
pub(crate) fn create_request(name: &str, policy: pb::CertificatePolicy) -> pb::CreateCertificateRequest {
    pb::CreateCertificateRequest {
        parent: VAULT.to_owned(),
        certificate_id: name.to_owned(),
        policy: Some(policy),
        ..Default::default()
    }
}

/// Creates a certificate.
pub(crate) async fn create(
    client: &mut Client,
    name: &str,
    policy: pb::CertificatePolicy,
) -> Result<pb::CertificateOperation, Status> {
    client.certificates.create_certificate(create_request(name, policy)).await.map(Response::into_inner)
}

/// Creates a self-signed certificate, or a version of one, and returns it.
pub(crate) async fn issue(client: &mut Client, name: &str) -> pb::CertificateBundle {
    create(client, name, self_signed()).await.unwrap();
    get(client, &certificate(name)).await.unwrap()
}

/// Creates the certificates that requests name: `issued`, `pending`, and the deleted `removed`; and contacts and the issuer `acme`.
/// Requests for secrets of the same vault name others.
pub(crate) async fn create_certificates(client: &mut Client) {
    issue(client, "issued").await;
    create(client, "pending", unknown()).await.unwrap();
    issue(client, "removed").await;
    delete(client, "removed").await.unwrap();
    client.certificates.set_certificate_contacts(contacts_request()).await.unwrap();
    client.certificates.set_certificate_issuer(issuer_request("acme")).await.unwrap();
}

/// Returns a request to set two contacts.
pub(crate) fn contacts_request() -> pb::SetCertificateContactsRequest {
    let contact = |email: &str, name: Option<&str>| pb::CertificateContact {
        email: email.to_owned(),
        name: name.map(str::to_owned),
        phone: None,
    };
    pb::SetCertificateContactsRequest {
        parent: VAULT.to_owned(),
        contacts: vec![contact("a@example.com", Some("A")), contact("b@example.com", None)],
    }
}

/// Returns a request to set an issuer.
pub(crate) fn issuer_request(name: &str) -> pb::SetCertificateIssuerRequest {
    let administrator = pb::IssuerAdministrator {
        first_name: Some("Jo".to_owned()),
        email: Some("jo@example.com".to_owned()),
        ..Default::default()
    };
    pb::SetCertificateIssuerRequest {
        parent: VAULT.to_owned(),
        issuer_id: name.to_owned(),
        issuer: Some(pb::CertificateIssuer {
            provider: "DigiCert".to_owned(),
            account_id: Some("me".to_owned()),
            organization_id: Some("us".to_owned()),
            administrators: vec![administrator],
            ..Default::default()
        }),
    }
}

/// Sets an issuer.
pub(crate) async fn set_issuer(client: &mut Client, name: &str) -> pb::CertificateIssuer {
    client.certificates.set_certificate_issuer(issuer_request(name)).await.unwrap().into_inner()
}

/// Reads an issuer.
pub(crate) async fn get_issuer(client: &mut Client, name: &str) -> Result<pb::CertificateIssuer, Status> {
    let request = pb::GetCertificateIssuerRequest { name: format!("{VAULT}/issuers/{name}") };
    client.certificates.get_certificate_issuer(request).await.map(Response::into_inner)
}

/// Reads the contacts.
pub(crate) async fn contacts(client: &mut Client) -> Result<pb::CertificateContacts, Status> {
    let request = pb::GetCertificateContactsRequest { parent: VAULT.to_owned() };
    client.certificates.get_certificate_contacts(request).await.map(Response::into_inner)
}

/// Reads a certificate or a version of one by its resource name.
pub(crate) async fn get(client: &mut Client, name: &str) -> Result<pb::CertificateBundle, Status> {
    let request = pb::GetCertificateRequest { name: name.to_owned() };
    client.certificates.get_certificate(request).await.map(Response::into_inner)
}

/// Reads the policy of a certificate.
pub(crate) async fn get_policy(client: &mut Client, name: &str) -> Result<pb::CertificatePolicy, Status> {
    let request = pb::GetCertificatePolicyRequest { name: format!("{}/policy", certificate(name)) };
    client.certificates.get_certificate_policy(request).await.map(Response::into_inner)
}

/// Reads the operation of a certificate.
pub(crate) async fn operation(client: &mut Client, name: &str) -> Result<pb::CertificateOperation, Status> {
    let name = format!("{}/pending", certificate(name));
    let request = pb::GetCertificateOperationRequest { name, request_id: String::new() };
    client.certificates.get_certificate_operation(request).await.map(Response::into_inner)
}

/// Deletes the operation of a certificate.
pub(crate) async fn delete_operation(
    client: &mut Client,
    name: &str,
) -> Result<pb::CertificateOperation, Status> {
    let request = pb::DeleteCertificateOperationRequest { name: format!("{}/pending", certificate(name)) };
    client.certificates.delete_certificate_operation(request).await.map(Response::into_inner)
}

/// Returns a request to enable or disable a certificate or a version of one.
pub(crate) fn enable_request(name: &str, enabled: bool) -> pb::UpdateCertificateVersionRequest {
    pb::UpdateCertificateVersionRequest {
        name: name.to_owned(),
        attributes: Some(pb::CertificateAttributes { enabled: Some(enabled) }),
        tags: HashMap::new(),
        update_mask: Some(prost_types::FieldMask { paths: vec!["attributes.enabled".to_owned()] }),
    }
}

/// Soft-deletes a certificate.
pub(crate) async fn delete(client: &mut Client, name: &str) -> Result<pb::DeletedCertificateBundle, Status> {
    let request = pb::DeleteCertificateRequest { name: certificate(name) };
    client.certificates.delete_certificate(request).await.map(Response::into_inner)
}

/// Recovers a deleted certificate.
pub(crate) async fn recover(client: &mut Client, name: &str) -> Result<pb::CertificateBundle, Status> {
    let request = pb::RecoverDeletedCertificateRequest { name: deleted_certificate(name) };
    client.certificates.recover_deleted_certificate(request).await.map(Response::into_inner)
}

/// Purges a deleted certificate.
pub(crate) async fn purge(client: &mut Client, name: &str) -> Result<(), Status> {
    let request = pb::PurgeDeletedCertificateRequest { name: deleted_certificate(name) };
    client.certificates.purge_deleted_certificate(request).await.map(drop)
}

/// Lists the live certificates, also those that are not issued yet, on one page.
pub(crate) async fn list(client: &mut Client) -> Vec<pb::CertificateBundle> {
    let request =
        pb::ListCertificatesRequest { parent: VAULT.to_owned(), include_pending: true, ..Default::default() };
    client.certificates.list_certificates(request).await.unwrap().into_inner().certificates
}

/// Lists the deleted certificates, on one page.
pub(crate) async fn list_deleted(client: &mut Client) -> Vec<pb::DeletedCertificateBundle> {
    let request = pb::ListDeletedCertificatesRequest { parent: VAULT.to_owned(), ..Default::default() };
    client.certificates.list_deleted_certificates(request).await.unwrap().into_inner().deleted_certificates
}

/// Lists the versions of a certificate, on one page.
pub(crate) async fn versions(client: &mut Client, name: &str) -> Vec<pb::CertificateBundle> {
    let request = pb::ListCertificateVersionsRequest { parent: certificate(name), ..Default::default() };
    client.certificates.list_certificate_versions(request).await.unwrap().into_inner().versions
}

/// Returns the bundle as lists show it: without certificate, policy and operation.
pub(crate) fn item(bundle: &pb::CertificateBundle) -> pb::CertificateBundle {
    pb::CertificateBundle {
        certificate: Vec::new(),
        policy: None,
        operation: String::new(),
        ..bundle.clone()
    }
}

/// Returns the version in a resource name.
pub(crate) fn version(name: &str) -> &str {
    name.rsplit('/').next().unwrap()
}

/// A directory for files of OpenSSL, an implementation that has no part in the service.
pub(crate) struct OpenSsl(TempDir);

impl OpenSsl {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn write(&self, file: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.0.path().join(file), contents).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(file)).unwrap()
    }

    pub(crate) fn run(&self, line: &str) -> String {
        String::from_utf8(openssl(self.0.path(), line)).unwrap()
    }

    /// Writes a certificate in PEM.
    pub(crate) fn certificate(&self, file: &str, der: &[u8]) {
        self.write("der", der);
        self.run(&format!("x509 -inform DER -in der -out {file}"));
    }

    /// Creates an authority, in the files `ca` and `ca.key`.
    pub(crate) fn authority(&self) {
        self.run("ecparam -name prime256v1 -genkey -noout -out ca.key");
        self.run("req -x509 -new -key ca.key -subj /CN=Authority -days 30 -out ca");
        self.run("x509 -in ca -outform DER -out ca.der");
    }

    /// Has the authority sign a request in DER, and returns the certificate and that of the authority, both in DER.
    pub(crate) fn sign(&self, csr: &[u8]) -> [Vec<u8>; 2] {
        self.authority();
        self.write("csr.der", csr);
        self.run("req -inform DER -in csr.der -out csr");
        self.run(
            "x509 -req -in csr -CA ca -CAkey ca.key -CAcreateserial -days 9 -copy_extensions copy -out leaf",
        );
        self.run("x509 -in leaf -outform DER -out leaf.der");
        [self.read("leaf.der"), self.read("ca.der")]
    }

    /// Creates an RSA key and a certificate of the authority, as PKCS#12 with the password `secret` in `pfx` and as PEM in `pem`.
    pub(crate) fn bundle(&self) {
        self.authority();
        self.run("ecparam -name prime256v1 -genkey -noout -out leaf.ec");
        self.run("pkcs8 -topk8 -nocrypt -in leaf.ec -out leaf.key");
        self.run("req -new -key leaf.key -subj /C=AU/ST=Some-State/O=Example -out csr");
        self.run("x509 -req -in csr -CA ca -CAkey ca.key -CAcreateserial -days 365 -out leaf");
        self.run("pkcs12 -export -inkey leaf.key -in leaf -certfile ca -passout pass:secret -out pfx");
        self.run("x509 -in leaf -outform DER -out leaf.der");
        self.write("pem", [self.read("ca"), self.read("leaf.key"), self.read("leaf")].concat());
    }
}

/// Reads the companion secret of a certificate.
pub(crate) async fn secret_value(client: &mut Client, name: &str) -> String {
    secrets::value(client, name).await
}

/// Connects a TLS client that trusts `root` to a server with the key and the chain of a PEM bundle, and sends a byte.
pub(crate) async fn tls_handshake(bundle: &str, root: &[u8]) {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(bundle.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(bundle.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(root.to_vec())).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (near, far) = tokio::io::duplex(1 << 16);
    let host = ServerName::try_from(HOST).unwrap();
    let (connected, accepted) = tokio::join!(
        TlsConnector::from(Arc::new(client)).connect(host, near),
        TlsAcceptor::from(Arc::new(server)).accept(far)
    );
    connected.unwrap();
    accepted.unwrap();
}
