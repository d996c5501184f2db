//! The extensions of certificates and requests (RFC 5280, section 4.2).

use std::net::IpAddr;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use der::Encode;
use der::asn1::{Any, Ia5String, ObjectIdentifier, OctetString, Utf8StringRef};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames, OtherName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::model::certificate::{self, SubjectAlternativeNames, X509Properties};
use crate::oid;
use crate::{Error, Result};

/// The identifiers of the keys of subject and issuer.
pub(crate) struct KeyIdentifiers<'a> {
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
}

/// Returns the identifier of a key: the SHA-1 digest of its bits (RFC 5280, section 4.2.1.2, method 1).
pub(crate) fn key_identifier(key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, key.subject_public_key.raw_bytes()).as_ref().to_vec()
}

/// Returns the extensions of a certificate, in the order and with the criticality that are recorded from Azure. The basic
/// constraints of a certification authority are critical, as RFC 5280 requires.
pub(crate) fn of_certificate(
    x509: &X509Properties,
    has_subject: bool,
    keys: &KeyIdentifiers<'_>,
) -> Result<Vec<Extension>> {
    let issuer = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(keys.issuer)?),
        ..AuthorityKeyIdentifier::default()
    };
    let subject = SubjectKeyIdentifier(OctetString::new(keys.subject)?);
    let last = [
        extension(oid::AUTHORITY_KEY_IDENTIFIER, false, &issuer)?,
        extension(oid::SUBJECT_KEY_IDENTIFIER, false, &subject)?,
    ];
    let parts = [
        key_usage(x509)?,
        Some(basic_constraints(x509.ca)?),
        extended_key_usage(x509)?,
        alternative_names(&x509.sans, has_subject)?,
    ];
    Ok(parts.into_iter().flatten().chain(last).collect())
}

/// Returns the extensions that a request asks for, in the order and with the criticality that are recorded from Azure.
pub(crate) fn of_request(x509: &X509Properties, has_subject: bool) -> Result<Vec<Extension>> {
    let parts = [
        key_usage(x509)?,
        extended_key_usage(x509)?,
        alternative_names(&x509.sans, has_subject)?,
        Some(basic_constraints(x509.ca)?),
    ];
    Ok(parts.into_iter().flatten().collect())
}

fn extension(extn_id: ObjectIdentifier, critical: bool, value: &impl Encode) -> Result<Extension> {
    Ok(Extension { extn_id, critical, extn_value: OctetString::new(value.to_der()?)? })
}

/// `None` without usages: the extension has at least one bit (RFC 5280, section 4.2.1.3).
fn key_usage(x509: &X509Properties) -> Result<Option<Extension>> {
    let Some(usages) = x509.key_usage.iter().map(|usage| flag(*usage).into()).reduce(|all, one| all | one)
    else {
        return Ok(None);
    };
    extension(oid::KEY_USAGE, true, &KeyUsage(usages)).map(Some)
}

const fn flag(usage: certificate::KeyUsage) -> KeyUsages {
    match usage {
        certificate::KeyUsage::DigitalSignature => KeyUsages::DigitalSignature,
        certificate::KeyUsage::NonRepudiation => KeyUsages::NonRepudiation,
        certificate::KeyUsage::KeyEncipherment => KeyUsages::KeyEncipherment,
        certificate::KeyUsage::DataEncipherment => KeyUsages::DataEncipherment,
        certificate::KeyUsage::KeyAgreement => KeyUsages::KeyAgreement,
        certificate::KeyUsage::KeyCertSign => KeyUsages::KeyCertSign,
        certificate::KeyUsage::CrlSign => KeyUsages::CRLSign,
        certificate::KeyUsage::EncipherOnly => KeyUsages::EncipherOnly,
        certificate::KeyUsage::DecipherOnly => KeyUsages::DecipherOnly,
    }
}

/// `None` without usages: the extension has at least one.
fn extended_key_usage(x509: &X509Properties) -> Result<Option<Extension>> {
    let usages: Vec<_> = x509
        .ekus
        .iter()
        .map(|usage| ObjectIdentifier::new(usage.as_str()).map_err(der::Error::from))
        .collect::<Result<_, _>>()
        .map_err(Error::from)?;
    if usages.is_empty() {
        return Ok(None);
    }
    extension(oid::EXTENDED_KEY_USAGE, false, &ExtendedKeyUsage(usages)).map(Some)
}

fn basic_constraints(ca: bool) -> Result<Extension> {
    extension(oid::BASIC_CONSTRAINTS, ca, &BasicConstraints { ca, path_len_constraint: None })
}

/// Critical if the subject is empty (RFC 5280, section 4.2.1.6).
fn alternative_names(names: &SubjectAlternativeNames, has_subject: bool) -> Result<Option<Extension>> {
    let mut encoded = GeneralNames::new();
    for name in &names.dns_names {
        encoded.push(GeneralName::DnsName(Ia5String::new(name)?));
    }
    for name in &names.emails {
        encoded.push(GeneralName::Rfc822Name(Ia5String::new(name)?));
    }
    for name in &names.upns {
        let value = Any::encode_from(&Utf8StringRef::new(name)?)?;
        encoded.push(GeneralName::OtherName(OtherName { type_id: oid::USER_PRINCIPAL_NAME, value }));
    }
    for name in &names.uris {
        encoded.push(GeneralName::UniformResourceIdentifier(Ia5String::new(name)?));
    }
    for address in &names.ip_addresses {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        encoded.push(GeneralName::IpAddress(OctetString::new(bytes)?));
    }
    if encoded.is_empty() {
        return Ok(None);
    }
    extension(oid::SUBJECT_ALTERNATIVE_NAME, !has_subject, &encoded).map(Some)
}
