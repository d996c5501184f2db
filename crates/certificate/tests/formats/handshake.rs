//! TLS handshakes of rustls with certificates.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use strongroom_certificate::{Certificate, PrivateKey};

use crate::kit::{Chain, KEY_TYPES, OpenSsl, issue, properties};

/// Connects a client that trusts `root` with a server in memory, and sends a byte.
fn handshake(chain: &[&Certificate], key: &PrivateKey, root: &Certificate) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
    let key = PrivateKeyDer::try_from(key.to_pkcs8().unwrap().to_vec()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(root.der().to_vec())).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), "www.example.com".try_into().unwrap()).unwrap();
    client.writer().write_all(b"x").unwrap();
    while client.is_handshaking() || server.is_handshaking() || client.wants_write() {
        let mut sent = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut sent).unwrap();
        }
        read(&mut sent.as_slice(), |bytes| server.read_tls(bytes));
        server.process_new_packets().unwrap();
        let mut sent = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut sent).unwrap();
        }
        read(&mut sent.as_slice(), |bytes| client.read_tls(bytes));
        client.process_new_packets().unwrap();
    }
    let mut received = [0];
    server.reader().read_exact(&mut received).unwrap();
    assert_eq!(&received, b"x");
}

fn read(bytes: &mut &[u8], mut receive: impl FnMut(&mut &[u8]) -> std::io::Result<usize>) {
    while !bytes.is_empty() {
        receive(bytes).unwrap();
    }
}

#[test]
fn rustls_accepts_self_signed_and_issued_certificates() {
    for (name, options) in KEY_TYPES {
        // TLS has no signatures on this curve.
        if name == "P-256K" {
            continue;
        }
        let openssl = OpenSsl::new();
        let chain = Chain::new(&openssl, options);
        handshake(&[&chain.leaf, &chain.intermediate], &chain.key, &chain.root);
        let mut x509 = properties("CN=www.example.com");
        x509.sans.dns_names.push("www.example.com".to_owned());
        let certificate = issue(&x509, &chain.key, None);
        handshake(&[&certificate], &chain.key, &certificate);
    }
}
