//! Tests the simulator's certificates with OpenSSL and rustls, and authentication with client certificates.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, SerialNumber};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use strongroom::config::ConfigError;
use strongroom::identity::{Audience, CertificateRule, Credential, Identity, Revocation, Settings};
use strongroom::model::Error;
use strongroom::model::name::PrincipalId;
use strongroom::simulator::SetupError;
use strongroom::simulator::certificates::{DevCertificates, ensure};

use crate::support::*;

fn openssl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

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

fn rule(change: impl FnOnce(&mut CertificateRule)) -> CertificateRule {
    let mut rule = CertificateRule {
        subject: None,
        san_dns: None,
        san_uri: None,
        san_email: None,
        issuer: None,
        issuer_file: None,
        principal: PrincipalId(PRINCIPAL),
        groups: vec![PrincipalId(TENANT)],
        tenant: TENANT,
    };
    change(&mut rule);
    rule
}

async fn identity_with_rules(rules: Vec<CertificateRule>) -> Result<Identity, ConfigError> {
    identity_with_cas(rules, &[]).await
}

/// An identity with rules and trusted client CAs, as DER.
async fn identity_with_cas(
    rules: Vec<CertificateRule>,
    authorities: &[&[u8]],
) -> Result<Identity, ConfigError> {
    let client_authorities = authorities.iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    Identity::new(Settings { certificates: rules, client_authorities, ..Settings::default() }).await
}

/// A certificate with these names, as DER, and its subject as OpenSSL prints it.
fn certificate(subject: &[(DnType, &str)], alternative: Vec<SanType>) -> (Vec<u8>, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for (kind, value) in subject {
        params.distinguished_name.push(kind.clone(), *value);
    }
    params.subject_alt_names = alternative;
    let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), made.pem()).unwrap();
    let (_, text) = openssl(&[
        "x509",
        "-noout",
        "-subject",
        "-nameopt",
        "RFC2253,-esc_msb",
        "-in",
        file.path().to_str().unwrap(),
    ]);
    (made.der().to_vec(), text.trim_end_matches('\n').trim_start_matches("subject=").to_owned())
}

#[tokio::test]
async fn client_certificate_maps_to_principal_of_matching_rule() {
    use DnType::{CommonName, CountryName, OrganizationName};
    let uri = "spiffe://example/payroll";
    let (der, subject) = certificate(
        &[(CountryName, "CH"), (OrganizationName, "Zürich, Söhne + \"Co\""), (CommonName, "payroll")],
        vec![SanType::URI(uri.try_into().unwrap()), SanType::DnsName("payroll.example".try_into().unwrap())],
    );
    assert_eq!(subject, r#"CN=payroll,O=Zürich\, Söhne \+ \"Co\",C=CH"#);
    let rules = [
        rule(|rule| rule.subject = Some(subject.clone())),
        rule(|rule| (rule.san_uri, rule.issuer) = (Some(uri.into()), Some(subject.clone()))),
        rule(|rule| rule.san_dns = Some("payroll.example".into())),
    ];
    for rule in rules.clone() {
        let identity = identity_with_cas(vec![rule], &[&der]).await.unwrap();
        for _ in 0..2 {
            let caller = identity.authenticate(Credential::Certificate(&der), &Audience::ALL).await.unwrap();
            assert_eq!(
                (caller.principal, caller.groups.len(), caller.tenant),
                (PrincipalId(PRINCIPAL), 1, TENANT)
            );
            assert_eq!(caller.application.as_ref(), Some(&subject));
        }
        assert_eq!(identity.verifications(), 1);
        // The cached certificate does not authenticate others.
        let (other, _) = certificate(&[(CommonName, "payroll")], Vec::new());
        for invalid in [&other[..], b"", b"not a certificate"] {
            assert!(identity.authenticate(Credential::Certificate(invalid), &Audience::ALL).await.is_err());
        }
    }
    let both = identity_with_rules(vec![rules[0].clone(), rules[2].clone()]).await.unwrap();
    let refused = both.authenticate(Credential::Certificate(&der), &Audience::ALL).await;
    assert_eq!(
        refused,
        Err(Error::Unauthenticated { why: "the client certificate matches more than one rule" })
    );
}

#[tokio::test]
async fn subject_attribute_values_are_escaped() {
    let honest = rule(|rule| rule.subject = Some("CN=a,O=Bank".into()));
    let identity = identity_with_rules(vec![honest]).await.unwrap();
    let (good, _) = certificate(&[(DnType::OrganizationName, "Bank"), (DnType::CommonName, "a")], Vec::new());
    identity.authenticate(Credential::Certificate(&good), &Audience::ALL).await.unwrap();
    for name in ["a,O=Bank", " a", "a ", "#a", "a\\", "a;b<c>", "a\u{7f}"] {
        let (forged, subject) = certificate(&[(DnType::CommonName, name)], Vec::new());
        assert!(identity.authenticate(Credential::Certificate(&forged), &Audience::ALL).await.is_err());
        // The subject has OpenSSL's spelling.
        let exact = identity_with_rules(vec![rule(|rule| rule.subject = Some(subject))]).await.unwrap();
        exact.authenticate(Credential::Certificate(&forged), &Audience::ALL).await.unwrap();
    }
}

#[tokio::test]
async fn rejects_expired_certificates_and_ambiguous_rules() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::Rfc822Name("ada@example".try_into().unwrap())];
    let mail = rule(|rule| rule.san_email = Some("ada@example".into()));
    let identity = identity_with_rules(vec![mail.clone()]).await.unwrap();
    let authenticates = async |params: &CertificateParams| {
        let made = params.self_signed(&key).unwrap();
        identity.authenticate(Credential::Certificate(made.der()), &Audience::ALL).await.is_ok()
    };
    assert!(authenticates(&params).await);
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    assert!(!authenticates(&params).await);
    (params.not_before, params.not_after) =
        (rcgen::date_time_ymd(4000, 1, 1), rcgen::date_time_ymd(4001, 1, 1));
    assert!(!authenticates(&params).await);

    let narrower =
        rule(|rule| (rule.san_email, rule.issuer) = (Some("ada@example".into()), Some("CN=x".into())));
    let ambiguous = [
        vec![mail.clone(), mail.clone()],
        vec![mail.clone(), narrower.clone()],
        vec![narrower, mail],
        vec![rule(|_| {})],
        vec![rule(|rule| rule.issuer = Some("CN=x".into()))],
        vec![rule(|rule| rule.subject = Some(String::new()))],
    ];
    for rules in ambiguous {
        assert!(identity_with_rules(rules).await.is_err());
    }
}

/// A CA with its certificate.
struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl CertificateAuthority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A certificate of `CN=payroll`, as DER.
    fn issue(&self, serial: u64) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "payroll");
        params.serial_number = Some(SerialNumber::from(serial));
        params.signed_by(&KeyPair::generate().unwrap(), &self.issuer).unwrap().der().to_vec()
    }

    /// A revocation list that is valid until the end of a year.
    fn revoke(&self, serials: &[u64], year: i32) -> rcgen::CertificateRevocationList {
        let (then, until) = (rcgen::date_time_ymd(2024, 1, 1), rcgen::date_time_ymd(year, 12, 31));
        let revoked = |serial: &u64| rcgen::RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: then,
            reason_code: None,
            invalidity_date: None,
        };
        let list = rcgen::CertificateRevocationListParams {
            this_update: then,
            next_update: until,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap()
    }
}

/// The result of authentication with a certificate, with the reason of a rejection.
async fn authenticate(identity: &Identity, der: &[u8]) -> Result<(), &'static str> {
    match identity.authenticate(Credential::Certificate(der), &Audience::ALL).await {
        Ok(_) => Ok(()),
        Err(Error::Unauthenticated { why }) => Err(why),
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn issuer_is_matched_by_key_not_by_name() {
    let (real, impostor, other) = (
        CertificateAuthority::new("payroll"),
        CertificateAuthority::new("payroll"),
        CertificateAuthority::new("x"),
    );
    let rule = rule(|rule| {
        (rule.subject, rule.issuer) = (Some("CN=payroll".into()), Some("CN=payroll".into()));
    });
    let authorities: [&[u8]; 2] = [real.certificate.der(), other.certificate.der()];
    let identity = identity_with_cas(vec![rule.clone()], &authorities).await.unwrap();
    assert_eq!(authenticate(&identity, &real.issue(1)).await, Ok(()));
    // TLS would accept both of these if they had a chain to a trusted CA.
    let no_match = "the client certificate matches no rule";
    assert_eq!(authenticate(&identity, &impostor.issue(1)).await, Err(no_match));
    assert_eq!(authenticate(&identity, &other.issue(1)).await, Err(no_match));

    // Exactly one trusted CA must have the issuer's name, or the CA in the rule's file.
    let both: [&[u8]; 2] = [real.certificate.der(), impostor.certificate.der()];
    for authorities in [&authorities[1..], &both] {
        let refused = identity_with_cas(vec![rule.clone()], authorities).await;
        assert!(refused.is_err());
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), impostor.certificate.pem()).unwrap();
    let filed = CertificateRule { issuer_file: Some(file.path().to_owned()), ..rule };
    let identity = identity_with_cas(vec![filed.clone()], &authorities).await.unwrap();
    assert_eq!(authenticate(&identity, &impostor.issue(1)).await, Ok(()));
    assert_eq!(authenticate(&identity, &real.issue(1)).await, Err(no_match));
    std::fs::write(file.path(), other.certificate.pem()).unwrap();
    assert!(identity_with_cas(vec![filed], &authorities).await.is_err());
}

#[tokio::test]
async fn crl_is_reloaded_and_revoked_certificates_are_rejected() {
    let (authority, other) = (CertificateAuthority::new("clients"), CertificateAuthority::new("others"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("clients.crl");
    assert!(Revocation::open(std::slice::from_ref(&file)).is_err());
    std::fs::write(&file, "nonsense").unwrap();
    assert!(Revocation::open(std::slice::from_ref(&file)).is_err());
    std::fs::write(&file, authority.revoke(&[1], 2090).pem().unwrap()).unwrap();
    let settings = Settings {
        certificates: vec![rule(|rule| rule.subject = Some("CN=payroll".into()))],
        revocation: Revocation::open(std::slice::from_ref(&file)).unwrap(),
        ..Settings::default()
    };
    let identity = Identity::new(settings).await.unwrap();
    let (first, second) = (authority.issue(1), authority.issue(2));
    let revoked = Err("the client certificate is revoked");
    assert_eq!(authenticate(&identity, &first).await, revoked);
    assert_eq!(authenticate(&identity, &second).await, Ok(()));
    let none = Err("there is no revocation list of the client certificate's issuer");
    assert_eq!(authenticate(&identity, &other.issue(9)).await, none);

    // The list is reloaded when the file changes; an unreadable file is ignored.
    std::fs::write(&file, authority.revoke(&[1, 2], 2090).der()).unwrap();
    sleep_ms(1100).await;
    assert_eq!(authenticate(&identity, &second).await, revoked);
    std::fs::write(&file, "-----BEGIN nonsense").unwrap();
    sleep_ms(1100).await;
    assert_eq!(authenticate(&identity, &second).await, revoked);
    // With an outdated list, every certificate is rejected.
    std::fs::write(&file, authority.revoke(&[], 2025).pem().unwrap()).unwrap();
    sleep_ms(1100).await;
    let late = Err("the revocation list of the client certificate's issuer is out of date");
    assert_eq!(authenticate(&identity, &second).await, late);
}
