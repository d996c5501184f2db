//! The subject alternative names of certificates.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::error::shorten;
use crate::{Error, Field, Result};

/// The maximum number of names of a certificate.
// assumption: Azure's maximum is not recorded.
const MAX_NAMES: usize = 100;

/// The subject alternative names (RFC 5280, section 4.2.1.6), in the order in which they are encoded.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SubjectAlternativeNames {
    /// Domain names.
    pub dns_names: Vec<String>,
    /// Email addresses.
    pub emails: Vec<String>,
    /// User principal names, encoded as other names of Microsoft's type.
    pub upns: Vec<String>,
    /// URIs.
    pub uris: Vec<String>,
    /// IP addresses.
    pub ip_addresses: Vec<IpAddr>,
}

impl SubjectAlternativeNames {
    /// Parses the names of a request.
    ///
    /// # Errors
    /// `Invalid` naming the field.
    pub fn parse(
        dns_names: Vec<String>,
        emails: Vec<String>,
        upns: Vec<String>,
        uris: Vec<String>,
        ip_addresses: &[String],
    ) -> Result<Self> {
        let count = dns_names.len() + emails.len() + upns.len() + uris.len() + ip_addresses.len();
        if count > MAX_NAMES {
            return Err(Error::invalid(
                Field::PolicySans,
                format!("a certificate has at most {MAX_NAMES} alternative names"),
            ));
        }
        check(Field::PolicySansDnsNames, &dns_names, "a DNS name", is_dns_name)?;
        check(Field::PolicySansEmails, &emails, "an email address", is_email)?;
        let is_upn = |text: &str| (1..=MAX_LENGTH).contains(&text.len()) && !text.contains('\0');
        check(Field::PolicySansUpns, &upns, "a user principal name", is_upn)?;
        check(Field::PolicySansUris, &uris, "an absolute URI", is_uri)?;
        let ip_addresses = ip_addresses
            .iter()
            .map(|text| text.parse().map_err(|_| wrong(Field::PolicySansIpAddresses, text, "an IP address")));
        let ip_addresses = ip_addresses.collect::<Result<_>>()?;
        Ok(Self { dns_names, emails, upns, uris, ip_addresses })
    }

    /// Whether there are no names.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The maximum length of a name in bytes.
const MAX_LENGTH: usize = 2048;

fn check(field: Field, names: &[String], what: &str, is_valid: impl Fn(&str) -> bool) -> Result<()> {
    names.iter().find(|name| !is_valid(name)).map_or(Ok(()), |name| Err(wrong(field, name, what)))
}

fn wrong(field: Field, text: &str, what: &str) -> Error {
    Error::invalid(field, format!("{:?} is not {what}", shorten(text)))
}

/// Whether the text is a domain name whose first label may be a wildcard (RFC 1034, section 3.5, with underscores).
fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let characters = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (1..=63).contains(&label.len()) && characters && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.strip_prefix("*.").unwrap_or(text).split('.').all(is_label)
}

fn is_email(text: &str) -> bool {
    let printable = text.bytes().all(|b| b.is_ascii_graphic());
    let parts = text.rsplit_once('@');
    printable
        && text.len() <= 320
        && parts.is_some_and(|(local, host)| !local.is_empty() && is_dns_name(host))
}

/// Whether the text has a scheme and consists of printable ASCII (RFC 3986, section 3).
fn is_uri(text: &str) -> bool {
    let printable = text.bytes().all(|b| b.is_ascii_graphic());
    let scheme = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).map(|(scheme, _)| scheme);
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    };
    text.len() <= MAX_LENGTH && printable && scheme.is_some_and(is_scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(kind: usize, text: &str) -> Result<SubjectAlternativeNames> {
        let of = |this: usize| if this == kind { vec![text.to_owned()] } else { Vec::new() };
        SubjectAlternativeNames::parse(of(0), of(1), of(2), of(3), &of(4))
    }

    #[test]
    fn accepts_names_of_each_kind() {
        for (kind, text) in [
            (0, "example.com"),
            (0, "*.example.com"),
            (0, "localhost"),
            (0, "_dmarc.xn--bcher-kva.example"),
            (1, "a.b+c@example.com"),
            (2, "jürgen@example.com"),
            (3, "https://example.com/a?b"),
            (3, "urn:uuid:1"),
            (4, "192.0.2.1"),
            (4, "2001:db8::1"),
        ] {
            assert!(!parse(kind, text).unwrap().is_empty(), "{text}");
        }
        assert!(SubjectAlternativeNames::default().is_empty());
    }

    #[test]
    fn rejects_malformed_names_and_names_the_field() {
        for (kind, field, texts) in [
            (0, "dns_names", &["", "a b", "-a.b", "a..b", "a.*.b", "ä.example", "a."][..]),
            (1, "emails", &["", "a", "@b.c", "a@", "ä@b.c", "a b@c.d"]),
            (2, "upns", &[""]),
            (3, "uris", &["", "example.com", "1a:b", "http:", "http://a b"]),
            (4, "ip_addresses", &["", "1.2.3", "1.2.3.4/8", "localhost"]),
        ] {
            for text in texts {
                let error = parse(kind, text).unwrap_err().to_string();
                assert!(error.starts_with(&format!("policy.x509.sans.{field}: ")), "{text}: {error}");
            }
        }
        let many = vec!["a.example".to_owned(); 101];
        assert!(SubjectAlternativeNames::parse(many, vec![], vec![], vec![], &[]).is_err());
    }
}
