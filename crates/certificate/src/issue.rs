//! Makes certificates and requests from the properties of a policy.

use der::asn1::{Any, GeneralizedTime, SetOfVec, UintRef, UtcTime};
use der::{DateTime, Decode as _, Encode as _, Sequence};
use x509_cert::attr::{Attribute, Attributes};
use x509_cert::ext::Extensions;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::Time;

use crate::certificate::Certificate;
use crate::extensions::{self, KeyIdentifiers, key_identifier};
use crate::model::certificate::{DistinguishedName, Validity, X509Properties};
use crate::model::key::{KeyType, PublicMaterial};
use crate::model::key_date::KeyDate;
use crate::unsigned::{Unsigned, algorithm_identifier};
use crate::{Error, Result, name, oid, public_key};

/// `TBSCertificate` (RFC 5280, section 4.1).
#[derive(Sequence)]
struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: u8,
    serial_number: UintRef<'a>,
    signature: AlgorithmIdentifierOwned,
    issuer: Any,
    validity: EncodedValidity,
    subject: Any,
    subject_public_key_info: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: Extensions,
}

/// `Validity` (RFC 5280, section 4.1.2.5).
#[derive(Sequence)]
struct EncodedValidity {
    not_before: Time,
    not_after: Time,
}

/// `CertificationRequestInfo` (RFC 2986, section 4.1).
#[derive(Sequence)]
struct RequestInfo {
    version: u8,
    subject: Any,
    subject_public_key_info: SubjectPublicKeyInfoOwned,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    attributes: Attributes,
}

/// The number of version 3 of X.509, the only one with extensions.
const VERSION_3: u8 = 2;

/// The contents of a certificate to issue.
#[derive(Clone, Copy, Debug)]
pub struct NewCertificate<'a> {
    /// The subject.
    pub subject: &'a DistinguishedName,
    /// The other contents.
    pub x509: &'a X509Properties,
    /// The subject's key.
    pub public_key: &'a PublicMaterial,
    /// 16 random bytes. The serial number is made from them: positive, and 16 bytes long.
    pub serial: [u8; 16],
    /// The validity period, in whole seconds.
    pub validity: Validity,
}

impl NewCertificate<'_> {
    /// Returns the certificate, to be signed with the subject's own key.
    ///
    /// # Errors
    /// [`Error::UnsupportedKey`], [`Error::Encoding`].
    pub fn self_signed(&self) -> Result<Unsigned> {
        let key = key_identifier(&public_key::encode(self.public_key)?);
        self.unsigned(name::encode(self.subject)?, &key, self.public_key.key_type())
    }

    /// Returns the certificate, to be signed with the key of `issuer`.
    ///
    /// # Errors
    /// [`Error::UnsupportedKey`], [`Error::Encoding`].
    pub fn issued_by(&self, issuer: &Certificate) -> Result<Unsigned> {
        let material = issuer.public_key()?;
        let key = key_identifier(&public_key::encode(material)?);
        let key = issuer.key_identifier().unwrap_or(&key);
        self.unsigned(Any::from_der(issuer.subject_der())?, key, material.key_type())
    }

    fn unsigned(&self, issuer: Any, issuer_key: &[u8], signer: KeyType) -> Result<Unsigned> {
        let key = public_key::encode(self.public_key)?;
        let identifier = key_identifier(&key);
        let identifiers = KeyIdentifiers { issuer: issuer_key, subject: &identifier };
        let mut serial = self.serial;
        serial[0] = serial[0] & 0x3f | 0x40;
        let tbs = TbsCertificate {
            version: VERSION_3,
            serial_number: UintRef::new(&serial)?,
            signature: algorithm_identifier(signer)?,
            issuer,
            validity: EncodedValidity {
                not_before: time(self.validity.not_before)?,
                not_after: time(self.validity.not_after)?,
            },
            subject: name::encode(self.subject)?,
            subject_public_key_info: key,
            extensions: extensions::of_certificate(self.x509, !self.subject.is_empty(), &identifiers)?,
        };
        Unsigned::new(tbs.to_der()?, signer)
    }
}

/// Returns a request for a certificate with these contents (PKCS#10), to be signed with the subject's key.
///
/// # Errors
/// [`Error::UnsupportedKey`], [`Error::Encoding`].
pub fn request(
    subject: &DistinguishedName,
    x509: &X509Properties,
    public_key: &PublicMaterial,
) -> Result<Unsigned> {
    let extensions = extensions::of_request(x509, !subject.is_empty())?;
    let values = SetOfVec::try_from(vec![Any::encode_from(&extensions)?])?;
    let attribute = Attribute { oid: oid::EXTENSION_REQUEST, values };
    let info = RequestInfo {
        version: 0,
        subject: name::encode(subject)?,
        subject_public_key_info: public_key::encode(public_key)?,
        attributes: SetOfVec::try_from(vec![attribute])?,
    };
    Unsigned::new(info.to_der()?, public_key.key_type())
}

/// Encodes a date: `UTCTime` through the year 2049, and `GeneralizedTime` from 2050 (RFC 5280, section 4.1.2.5).
fn time(date: KeyDate) -> Result<Time> {
    let civil = date.civil();
    let [month, day, hour, minute, second] =
        [civil.month(), civil.day(), civil.hour(), civil.minute(), civil.second()].map(i8::unsigned_abs);
    let year = u16::try_from(civil.year()).map_err(|_| Error::Encoding(der::ErrorKind::DateTime.into()))?;
    let date = DateTime::new(year, month, day, hour, minute, second)?;
    match UtcTime::from_date_time(date) {
        Ok(time) => Ok(Time::UtcTime(time)),
        Err(_) => Ok(Time::GeneralTime(GeneralizedTime::from_date_time(date))),
    }
}
