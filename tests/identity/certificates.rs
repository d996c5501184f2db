//! Tests authentication with client certificates.

use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, SerialNumber};
use rustls::pki_types::CertificateDer;
use strongroom::config::ConfigError;
use strongroom::identity::{Audience, CertificateRule, Credential, Identity, Revocation, Settings};
use strongroom::model::Error;
use strongroom::model::name::PrincipalId;

use crate::support::*;

pub(crate) fn openssl(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
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
