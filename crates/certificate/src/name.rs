//! Distinguished names in DER.

use der::Encode as _;
use der::asn1::{Any, Ia5StringRef, ObjectIdentifier, PrintableStringRef, SetOfVec, Utf8StringRef};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{RdnSequence, RelativeDistinguishedName};
use x509_parser::x509::X509Name;

use crate::Result;
use crate::model::certificate::DistinguishedName;
use crate::model::certificate::distinguished_name::Attribute;

/// Encodes a name. Values are `PrintableString`s if they can be, as recorded from Azure, and otherwise `UTF8String`s; email addresses
/// and domain components are `IA5String`s (RFC 5280, appendix A.1).
pub(crate) fn encode(name: &DistinguishedName) -> Result<Any> {
    let mut sequence = RdnSequence::default();
    for Attribute { oid, value } in name.encoded() {
        let encoded = match oid.as_str() {
            DistinguishedName::EMAIL_ADDRESS | DistinguishedName::DOMAIN_COMPONENT => {
                Any::encode_from(&Ia5StringRef::new(value)?)?
            }
            _ => match PrintableStringRef::new(value) {
                Ok(printable) => Any::encode_from(&printable)?,
                Err(_) => Any::encode_from(&Utf8StringRef::new(value)?)?,
            },
        };
        let oid = ObjectIdentifier::new(oid).map_err(der::Error::from)?;
        let attribute = AttributeTypeAndValue { oid, value: encoded };
        sequence.push(RelativeDistinguishedName::from(SetOfVec::try_from(vec![attribute])?));
    }
    Ok(der::Decode::from_der(&sequence.to_der()?)?)
}

/// Reads a name for printing. A value that is not text is written in hexadecimal.
pub(crate) fn read(name: &X509Name<'_>) -> DistinguishedName {
    let attributes: Vec<_> = name
        .iter_attributes()
        .map(|attribute| Attribute {
            oid: attribute.attr_type().to_id_string(),
            value: text(attribute).unwrap_or_else(|| hexadecimal(attribute.as_slice())),
        })
        .collect();
    DistinguishedName::from_encoded(attributes.into_iter())
}

/// Returns a value as text: in UTF-8 or a subset of it, or a `BMPString`, which old Windows authorities write.
fn text(attribute: &x509_parser::x509::AttributeTypeAndValue<'_>) -> Option<String> {
    if attribute.attr_value().tag() != x509_parser::der_parser::asn1_rs::Tag::BmpString {
        return attribute.as_str().ok().map(str::to_owned);
    }
    let (units, []) = attribute.as_slice().as_chunks::<2>() else { return None };
    let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
    String::from_utf16(&units).ok()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
