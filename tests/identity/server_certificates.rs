//! Tests the simulator's certificate authority and server certificate with OpenSSL and rustls.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use strongroom::model::Error;
use strongroom::simulator::SetupError;
use strongroom::simulator::certificates::{DevCertificates, ensure, without_unpermitted};

use crate::certificates::openssl;
use crate::support::now;

fn path(directory: &Path, file: &str) -> String {
    directory.join(file).to_str().unwrap().to_owned()
}

/// The subject alternative names of a certificate, as OpenSSL prints them.
fn names_in(certificate: &str) -> BTreeSet<String> {
    let (_, text) = openssl(&["x509", "-noout", "-ext", "subjectAltName", "-in", certificate]);
    text.lines().skip(1).flat_map(|line| line.split(", ")).map(|name| name.trim().to_owned()).collect()
}

/// Whether a TLS handshake in memory succeeds, with this CA as the only trust anchor.
async fn handshake(served: DevCertificates, ca_pem: &Path, name: &str) -> bool {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(served.chain, served.key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca_pem).unwrap()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (near, far) = tokio::io::duplex(1 << 16);
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let (acceptor, connector) = (
        tokio_rustls::TlsAcceptor::from(Arc::new(server)),
        tokio_rustls::TlsConnector::from(Arc::new(client)),
    );
    // Both sides must be polled until both have finished.
    let (accepted, connected) = tokio::join!(acceptor.accept(far), connector.connect(name, near));
    accepted.is_ok() && connected.is_ok()
}

/// A domain and names below it, names of Azure, and loopback addresses.
fn server_names(domain: &str) -> Vec<String> {
    let below = ["login", "management", "*.managedhsm", "*.vault"].map(|part| format!("{part}.{domain}"));
    let azure = ["login.microsoftonline.com", "graph.microsoft.com", "*.managedhsm.azure.net"];
    let other = azure.into_iter().chain([domain, "127.0.0.1", "::1"]).map(str::to_owned);
    below.into_iter().chain(other).collect()
}

#[tokio::test]
async fn server_certificate_is_valid_for_its_names_only() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let names = server_names("localhost");
    let made = ensure(directory, &names).unwrap();
    let (ca, leaf) = (path(directory, "ca.pem"), path(directory, "tls/server.pem"));
    assert_eq!(made.ca_pem_path, directory.join("ca.pem"));

    let expected: BTreeSet<String> = names
        .iter()
        .map(|name| match name.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(four)) => format!("IP Address:{four}"),
            Ok(_) => "IP Address:0:0:0:0:0:0:0:1".to_owned(),
            Err(_) => format!("DNS:{name}"),
        })
        .collect();
    assert_eq!(names_in(&leaf), expected);
    for (option, name, good) in [
        ("-verify_hostname", "login.localhost", true),
        ("-verify_hostname", "payroll.managedhsm.localhost", true),
        ("-verify_hostname", "payroll.managedhsm.azure.net", true),
        ("-verify_hostname", "login.microsoftonline.com", true),
        ("-verify_hostname", "a.b.managedhsm.localhost", false),
        ("-verify_hostname", "example.com", false),
        ("-verify_ip", "127.0.0.1", true),
        ("-verify_ip", "::1", true),
        ("-verify_ip", "10.0.0.1", false),
    ] {
        let arguments =
            ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", &ca, option, name, &leaf];
        let (verified, text) = openssl(&arguments);
        assert_eq!(verified, good, "{name}: {text}");
        let served = ensure(directory, &names).unwrap();
        assert_eq!(handshake(served, &directory.join("ca.pem"), name).await, good, "{name}");
    }
    // The bundle of the system's CAs and the simulator's verifies, as does the simulator's alone; the system's do not.
    assert!(openssl(&["verify", "-CAfile", &path(directory, "ca-bundle.pem"), &leaf]).0);
    assert!(!openssl(&["verify", &leaf]).0);

    let (_, text) = openssl(&["x509", "-noout", "-text", "-in", &ca]);
    for extension in ["CA:TRUE, pathlen:0", "Certificate Sign"] {
        assert!(text.contains(extension), "{text}");
    }
    let (_, text) = openssl(&["x509", "-noout", "-text", "-in", &leaf]);
    for extension in ["CA:FALSE", "TLS Web Server Authentication", "prime256v1", "Digital Signature"] {
        assert!(text.contains(extension), "{text}");
    }
    let seconds = |days: u64| (days * 86_400).to_string();
    assert!(openssl(&["x509", "-checkend", &seconds(3640), "-in", &ca]).0);
    assert!(openssl(&["x509", "-checkend", &seconds(390), "-in", &leaf]).0);
    assert!(!openssl(&["x509", "-checkend", &seconds(825), "-in", &leaf]).0);
    for key in ["tls/ca-key.pem", "tls/server-key.pem"] {
        assert_eq!(std::fs::metadata(directory.join(key)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn server_certificate_is_reissued_by_unchanged_ca() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let read = |file: &str| std::fs::read(directory.join(file)).unwrap();
    let names = server_names("strongroom.test");
    let first = ensure(directory, &names).unwrap().chain;
    let (ca, key) = (read("ca.pem"), read("tls/server-key.pem"));

    assert_eq!(ensure(directory, &names).unwrap().chain, first);
    // More names, fewer names, a mismatched key, a truncated file: the certificate is reissued, the CA is kept.
    let more = [names.clone(), vec!["hsm.strongroom.test".to_owned()]].concat();
    let second = ensure(directory, &more).unwrap().chain;
    assert!(
        second != first && names_in(&path(directory, "tls/server.pem")).contains("DNS:hsm.strongroom.test")
    );
    let third = ensure(directory, &names).unwrap().chain;
    assert!(
        third != second && !names_in(&path(directory, "tls/server.pem")).contains("DNS:hsm.strongroom.test")
    );
    std::fs::write(directory.join("tls/server-key.pem"), &key).unwrap();
    assert_ne!(ensure(directory, &names).unwrap().chain, third);
    std::fs::write(directory.join("tls/server.pem"), "-----BEGIN CERT").unwrap();
    ensure(directory, &names).unwrap();
    assert_eq!(read("ca.pem"), ca);

    // A certificate of the same CA that expires within thirty days.
    let issuer_key = KeyPair::from_pem(&String::from_utf8(read("tls/ca-key.pem")).unwrap()).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_pem(std::str::from_utf8(&ca).unwrap(), issuer_key).unwrap();
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(names.clone()).unwrap();
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(now() + 29 * 86_400);
    let brief = params.signed_by(&pair, &issuer).unwrap();
    std::fs::write(directory.join("tls/server.pem"), brief.pem()).unwrap();
    std::fs::write(directory.join("tls/server-key.pem"), pair.serialize_pem()).unwrap();
    assert_ne!(ensure(directory, &names).unwrap().chain[0], *brief.der());

    // Without the CA's key, the existing server certificate is used, and the CA is not replaced.
    std::fs::remove_file(directory.join("tls/ca-key.pem")).unwrap();
    ensure(directory, &names).unwrap();
    assert!(ensure(directory, &more).is_err());
    std::fs::write(directory.join("tls/ca-key.pem"), pair.serialize_pem()).unwrap();
    assert!(ensure(directory, &more).is_err());
    assert_eq!(read("ca.pem"), ca);
    assert!(ensure(directory, &[]).is_err());
    assert!(matches!(
        ensure(tempfile::tempdir().unwrap().path(), &["é".into()]),
        Err(SetupError::Setting(_))
    ));
}

/// Signs a server certificate for a name with the CA's key, as an attacker with the key could.
fn forge(directory: &Path, name: &str) -> DevCertificates {
    let pem = |file: &str| std::fs::read_to_string(directory.join(file)).unwrap();
    let key = KeyPair::from_pem(&pem("tls/ca-key.pem")).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_pem(&pem("ca.pem"), key).unwrap();
    let pair = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let made = params.signed_by(&pair, &issuer).unwrap();
    std::fs::write(directory.join("forged.pem"), made.pem()).unwrap();
    DevCertificates {
        ca_pem_path: directory.join("ca.pem"),
        ca_bundle_path: directory.join("ca-bundle.pem"),
        chain: vec![made.der().clone()],
        key: pair.into(),
    }
}

#[tokio::test]
async fn ca_name_constraints_limit_issued_names() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let names = [server_names("localhost"), vec!["10.1.2.3".to_owned()]].concat();
    ensure(directory, &names).unwrap();
    let (_, text) = openssl(&["x509", "-noout", "-text", "-in", &path(directory, "ca.pem")]);
    assert!(text.contains("X509v3 Name Constraints: critical"), "{text}");
    for (name, good) in [
        ("hsm.localhost", true),
        ("any.managedhsm.azure.net", true),
        ("127.8.9.10", true),
        ("10.1.2.3", true),
        ("::1", true),
        ("azure.net", false),
        ("vault.azure.net", false),
        ("example.com", false),
        ("notlocalhost", false),
        ("10.1.2.4", false),
        ("::2", false),
    ] {
        let forged = forge(directory, name);
        let arguments = ["verify", "-purpose", "sslserver", "-CAfile", &path(directory, "ca.pem")];
        let (verified, text) = openssl(&[&arguments[..], &[&path(directory, "forged.pem")]].concat());
        assert_eq!(verified, good, "{name}: {text}");
        assert_eq!(handshake(forged, &directory.join("ca.pem"), name).await, good, "{name}");
    }
    // A server name that the CA's constraints exclude is an error.
    let more = [names, vec!["hsm.example".to_owned()]].concat();
    let Err(SetupError::Failed(Error::Internal(why))) = ensure(directory, &more) else {
        panic!("a certificate was issued")
    };
    let why = why.to_string();
    assert!(why.contains("may not issue certificates for hsm.example") && why.contains("remove it"), "{why}");
}

/// An authority of a version without names of vaults.
#[tokio::test]
async fn authority_of_an_older_version_leaves_new_names_out() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (older, added) = (server_names("localhost"), vec!["*.vault.azure.net".to_owned()]);
    let newer = [older.clone(), added.clone()].concat();
    // A new authority permits all names.
    assert_eq!(without_unpermitted(directory, newer.clone(), &added).unwrap(), newer);
    ensure(directory, &older).unwrap();
    let ca = std::fs::read(directory.join("ca.pem")).unwrap();
    let left = without_unpermitted(directory, newer.clone(), &added).unwrap();
    assert_eq!(left, older);
    let made = ensure(directory, &left).unwrap();
    assert!(handshake(made, &directory.join("ca.pem"), "demo.vault.localhost").await);
    assert_eq!(std::fs::read(directory.join("ca.pem")).unwrap(), ca);
    // Other names that it does not permit remain, and are an error.
    let configured = vec!["hsm.example".to_owned()];
    let left = without_unpermitted(directory, [newer.clone(), configured.clone()].concat(), &added).unwrap();
    assert_eq!(left, [older, configured].concat());
    assert!(ensure(directory, &left).is_err());
    // As the log says: a new authority permits the names.
    std::fs::remove_file(directory.join("ca.pem")).unwrap();
    let all = without_unpermitted(directory, newer.clone(), &added).unwrap();
    assert_eq!(all, newer);
    let made = ensure(directory, &all).unwrap();
    assert!(handshake(made, &directory.join("ca.pem"), "demo.vault.azure.net").await);
}
