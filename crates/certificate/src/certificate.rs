//! Certificates as they are read.

use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use der::Decode as _;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer as _;

use crate::model::certificate::{
    DistinguishedName, ExtendedKeyUsage, KeyUsage, SubjectAlternativeNames, Validity, X509Properties,
};
use crate::model::key::PublicMaterial;
use crate::model::key_date::KeyDate;
use crate::{Error, Result, name, oid, public_key};

/// A certificate. Neither its signature nor its validity period is checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    thumbprint: [u8; 20],
    public_key: Option<PublicMaterial>,
    key_identifier: Option<Vec<u8>>,
    subject: DistinguishedName,
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
    validity: Validity,
    extensions: Extensions,
}

/// What the extensions state. One that is absent or malformed states nothing.
#[derive(Clone, PartialEq, Eq, Default)]
struct Extensions {
    sans: SubjectAlternativeNames,
    ekus: Vec<ExtendedKeyUsage>,
    key_usage: Vec<KeyUsage>,
    ca: bool,
}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// [`Error::NotACertificate`].
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let Ok((&[], parsed)) = X509Certificate::from_der(der) else {
            return Err(Error::NotACertificate);
        };
        let date = |seconds| KeyDate::from_second(seconds).ok_or(Error::NotACertificate);
        let validity = Validity {
            not_before: date(parsed.validity().not_before.timestamp())?,
            not_after: date(parsed.validity().not_after.timestamp())?,
        };
        let mut thumbprint = [0; 20];
        thumbprint.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref());
        Ok(Self {
            der: der.to_vec(),
            thumbprint,
            public_key: public_key::read(parsed.public_key().raw).ok(),
            key_identifier: key_identifier(&parsed),
            subject: name::read(parsed.subject()),
            subject_der: parsed.subject().as_raw().to_vec(),
            issuer_der: parsed.issuer().as_raw().to_vec(),
            validity,
            extensions: Extensions::read(&parsed),
        })
    }

    /// Returns the certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the SHA-1 digest of the certificate (`x5t`, RFC 7517, section 4.8), by which Azure identifies it.
    pub const fn thumbprint(&self) -> &[u8; 20] {
        &self.thumbprint
    }

    /// Returns the public key.
    ///
    /// # Errors
    /// [`Error::UnsupportedKey`] if it is not one that vaults have.
    pub fn public_key(&self) -> Result<&PublicMaterial> {
        self.public_key.as_ref().ok_or(Error::UnsupportedKey)
    }

    /// Returns the subject for printing.
    pub const fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// Returns the validity period.
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether the certificate states that `issuer` issued it. The signature is not checked.
    pub fn names_issuer(&self, issuer: &Self) -> bool {
        self.issuer_der == issuer.subject_der
    }

    /// Returns the properties that a policy has which is derived from the certificate. Extended key usages and names that policies
    /// cannot have are left out.
    pub fn x509_properties(&self) -> X509Properties {
        let Extensions { sans, ekus, key_usage, ca } = self.extensions.clone();
        X509Properties {
            subject: Some(self.subject.to_string()).filter(|subject| !subject.is_empty()),
            sans,
            ekus,
            key_usage,
            validity_months: self.validity.months(),
            ca,
        }
    }

    pub(crate) fn subject_der(&self) -> &[u8] {
        &self.subject_der
    }

    pub(crate) fn key_identifier(&self) -> Option<&[u8]> {
        self.key_identifier.as_deref()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.subject)
    }
}

fn key_identifier(parsed: &X509Certificate<'_>) -> Option<Vec<u8>> {
    parsed.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
        _ => None,
    })
}

impl Extensions {
    fn read(parsed: &X509Certificate<'_>) -> Self {
        let mut found = Self::default();
        for extension in parsed.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::KeyUsage(usage) => {
                    let bit = |position: usize| usage.flags >> position & 1 == 1;
                    let usages = KeyUsage::ALL.into_iter().enumerate();
                    found.key_usage =
                        usages.filter(|(position, _)| bit(*position)).map(|(_, usage)| usage).collect();
                }
                ParsedExtension::ExtendedKeyUsage(_) => found.ekus = extended_key_usages(extension.value),
                ParsedExtension::BasicConstraints(constraints) => found.ca = constraints.ca,
                ParsedExtension::SubjectAlternativeName(names) => {
                    for name in &names.general_names {
                        add_name(&mut found.sans, name);
                    }
                }
                _ => {}
            }
        }
        found
    }
}

/// Reads the extended key usages in their order, which the parser of extensions does not keep.
fn extended_key_usages(value: &[u8]) -> Vec<ExtendedKeyUsage> {
    let usages = Vec::<der::asn1::ObjectIdentifier>::from_der(value).unwrap_or_default();
    usages.iter().filter_map(|usage| usage.to_string().parse().ok()).collect()
}

fn add_name(sans: &mut SubjectAlternativeNames, name: &GeneralName<'_>) {
    match name {
        GeneralName::DNSName(name) => sans.dns_names.push((*name).to_owned()),
        GeneralName::RFC822Name(name) => sans.emails.push((*name).to_owned()),
        GeneralName::URI(uri) => sans.uris.push((*uri).to_owned()),
        GeneralName::IPAddress(bytes) => sans.ip_addresses.extend(ip_address(bytes)),
        GeneralName::OtherName(kind, value)
            if kind.to_id_string() == oid::USER_PRINCIPAL_NAME.to_string() =>
        {
            sans.upns.extend(user_principal_name(value));
        }
        _ => {}
    }
}

fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// Reads the `[0] EXPLICIT UTF8String` of an other name.
fn user_principal_name(value: &[u8]) -> Option<String> {
    let tagged = der::asn1::AnyRef::from_der(value).ok()?;
    let text = der::asn1::AnyRef::from_der(tagged.value()).ok()?;
    text.decode_as::<der::asn1::Utf8StringRef<'_>>().ok().map(|text| text.as_str().to_owned())
}
