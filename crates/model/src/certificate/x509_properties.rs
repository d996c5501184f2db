//! The X.509 properties that a certificate policy asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::distinguished_name::{DistinguishedName, is_object_identifier};
use super::key_usage::KeyUsage;
use super::subject_alternative_names::SubjectAlternativeNames;
use super::validity::ValidityMonths;
use crate::error::shorten;
use crate::{Error, Field, Result};

/// The maximum number of extended key usages.
// assumption: Azure's maximum is not recorded.
const MAX_EXTENDED_KEY_USAGES: usize = 100;

/// An extended key usage: an object identifier in dotted form.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExtendedKeyUsage(String);

/// The contents of a certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct X509Properties {
    /// The subject as given; `None` if none was given.
    pub subject: Option<String>,
    /// The subject alternative names.
    pub sans: SubjectAlternativeNames,
    /// The extended key usages.
    pub ekus: Vec<ExtendedKeyUsage>,
    /// The key usages.
    pub key_usage: Vec<KeyUsage>,
    /// The lifetime.
    pub validity_months: ValidityMonths,
    /// Whether the certificate is that of a certification authority. Requests cannot set it; imported certificates can have it.
    pub ca: bool,
}

/// The members of a request; `None` means not given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct X509Members {
    /// `subject`
    pub subject: Option<String>,
    /// `sans`, parsed.
    pub sans: SubjectAlternativeNames,
    /// `ekus`
    pub ekus: Option<Vec<String>>,
    /// `key_usage`
    pub key_usage: Option<Vec<String>>,
    /// `validity_months`
    pub validity_months: Option<u32>,
}

impl ExtendedKeyUsage {
    /// TLS server authentication, and TLS client authentication (RFC 5280, section 4.2.1.12).
    const DEFAULTS: [&str; 2] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];

    /// Returns the object identifier in dotted form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl X509Properties {
    /// Parses the members of a request. The defaults are the usages of TLS servers and clients, and 12 months, as recorded.
    ///
    /// # Errors
    /// `Invalid` naming the field; `policy.x509.subject` if there is neither a subject nor an alternative name.
    pub fn parse(members: X509Members) -> Result<Self> {
        let X509Members { subject, sans, ekus, key_usage, validity_months } = members;
        let name: DistinguishedName = subject.as_deref().unwrap_or_default().parse()?;
        if name.is_empty() && sans.is_empty() {
            return Err(Error::invalid(
                Field::PolicySubject,
                "a certificate has a subject or subject alternative names",
            ));
        }
        let ekus = ekus.unwrap_or_else(|| ExtendedKeyUsage::DEFAULTS.map(str::to_owned).to_vec());
        if ekus.len() > MAX_EXTENDED_KEY_USAGES {
            return Err(Error::invalid(
                Field::PolicyEkus,
                format!("a certificate has at most {MAX_EXTENDED_KEY_USAGES} extended key usages"),
            ));
        }
        let ekus = ekus.into_iter().map(ExtendedKeyUsage::try_from).collect::<Result<_>>()?;
        let key_usage = match key_usage {
            Some(names) => distinct(names.iter().map(|name| name.parse()))?,
            None => vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment],
        };
        let validity_months =
            validity_months.map_or(Ok(ValidityMonths::DEFAULT), ValidityMonths::try_from)?;
        Ok(Self { subject, sans, ekus, key_usage, validity_months, ca: false })
    }

    /// Returns the parsed subject; empty if there is none.
    ///
    /// # Errors
    /// `Invalid` naming `policy.x509.subject`: only for an imported certificate, whose subject is printed for callers and can have
    /// a form that requests cannot have.
    pub fn subject(&self) -> Result<DistinguishedName> {
        Ok(self.subject.as_deref().unwrap_or_default().parse()?)
    }
}

/// Collects usages without repetitions, in the order given.
fn distinct(usages: impl Iterator<Item = Result<KeyUsage>>) -> Result<Vec<KeyUsage>> {
    let mut found = Vec::new();
    for usage in usages {
        let usage = usage?;
        if !found.contains(&usage) {
            found.push(usage);
        }
    }
    Ok(found)
}

impl FromStr for ExtendedKeyUsage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for ExtendedKeyUsage {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        if is_object_identifier(&text) {
            return Ok(Self(text));
        }
        Err(Error::invalid(
            Field::PolicyEkus,
            format!("{:?} is not an object identifier such as 1.3.6.1.5.5.7.3.1", shorten(&text)),
        ))
    }
}

impl From<ExtendedKeyUsage> for String {
    fn from(usage: ExtendedKeyUsage) -> Self {
        usage.0
    }
}

impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_recorded_defaults() {
        let subject = Some("CN=a".to_owned());
        let x509 = X509Properties::parse(X509Members { subject, ..X509Members::default() }).unwrap();
        let ekus: Vec<_> = x509.ekus.iter().map(ExtendedKeyUsage::as_str).collect();
        assert_eq!(ekus, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
        assert_eq!(x509.key_usage, [KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment]);
        assert_eq!((x509.validity_months.get(), x509.ca), (12, false));
    }

    #[test]
    fn invalid_members_are_named() {
        let named = X509Members { subject: Some("CN=a".to_owned()), ..X509Members::default() };
        let texts = |text: &str| Some(vec![text.to_owned()]);
        for (members, field) in [
            (X509Members::default(), "subject"),
            (X509Members { subject: Some(String::new()), ..X509Members::default() }, "subject"),
            (X509Members { subject: Some("a".to_owned()), ..X509Members::default() }, "subject"),
            (X509Members { ekus: texts("serverAuth"), ..named.clone() }, "ekus"),
            (X509Members { key_usage: texts("sign"), ..named.clone() }, "key_usage"),
            (X509Members { validity_months: Some(0), ..named.clone() }, "validity_months"),
            (X509Members { ekus: Some(vec!["1.2".to_owned(); 101]), ..named.clone() }, "ekus"),
        ] {
            let error = X509Properties::parse(members).unwrap_err().to_string();
            assert!(error.starts_with(&format!("policy.x509.{field}: ")), "{error}");
        }
        let repeated = X509Members { key_usage: Some(vec!["cRLSign".to_owned(); 2]), ..named };
        assert_eq!(X509Properties::parse(repeated).unwrap().key_usage, [KeyUsage::CrlSign]);
    }
}
