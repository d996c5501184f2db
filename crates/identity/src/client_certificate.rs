//! Maps client certificates to principals by configured rules.

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::config::ConfigError;
use crate::model::{Error, Result};

use super::distinguished_name::distinguished_name;
use super::required_issuer::RequiredIssuer;
use super::revocation::RevocationLists;
use super::{Audience, Caller, CertificateRule};

/// The validated rules, each with its required issuer if it names one.
pub(super) struct Rules(Vec<(CertificateRule, Option<RequiredIssuer>)>);

impl Rules {
    /// Validates the rules. A rule that names an issuer without a file refers to one of `authorities`.
    pub(super) fn new(
        rules: Vec<CertificateRule>,
        authorities: &[CertificateDer<'static>],
    ) -> Result<Self, ConfigError> {
        let invalid = |why: String| ConfigError::new(format!("identity.client_certificates: {why}"));
        let wrong = |why: String| Err(invalid(why));
        for (number, rule) in rules.iter().enumerate() {
            let [names @ .., _issuer, _issuer_file] = conditions(rule);
            if names.iter().all(Option::is_none) {
                return wrong(format!("rule {number} names neither a subject nor an alternative name"));
            }
            if conditions(rule).into_iter().flatten().any(str::is_empty) {
                return wrong(format!("rule {number} has an empty condition"));
            }
            if let Some(other) =
                rules[..number].iter().position(|other| covers(other, rule) || covers(rule, other))
            {
                return wrong(format!("rules {other} and {number} match the same certificates"));
            }
        }
        let bound = |(number, rule): (usize, CertificateRule)| {
            let issuing = RequiredIssuer::of(&rule, authorities);
            let issuing = issuing.map_err(|why| invalid(format!("rule {number}: {why}")))?;
            Ok((rule, issuing))
        };
        rules.into_iter().enumerate().map(bound).collect::<Result<_, ConfigError>>().map(Self)
    }

    /// Returns the caller that the certificate authenticates, and the last second in which it does. `lists` contain the
    /// revoked certificates.
    pub(super) fn verify(
        &self,
        der: &[u8],
        lists: Option<&RevocationLists>,
        now: u64,
    ) -> Result<(Caller, u64)> {
        let refuse = |why| Err(Error::Unauthenticated { why });
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            return refuse("the client certificate cannot be read");
        };
        // TLS verified the validity only when the connection was established, possibly long ago.
        let validity = certificate.validity();
        let seconds = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).unwrap_or(0);
        let mut until = seconds(validity.not_after);
        if now < seconds(validity.not_before) || until < now {
            return refuse("the client certificate is not valid now");
        }
        if let Some(lists) = lists {
            let checked_until =
                lists.check(&certificate, now).map_err(|why| Error::Unauthenticated { why })?;
            until = until.min(checked_until);
        }
        let names = Names::of(&certificate);
        let issued = |issuing: &Option<RequiredIssuer>| {
            issuing.as_ref().is_none_or(|issuing| issuing.signed(der, now))
        };
        let mut matching = self
            .0
            .iter()
            .filter(|(rule, issuing)| names.satisfy(rule) && issued(issuing))
            .map(|(rule, _)| rule);
        match (matching.next(), matching.next()) {
            (Some(rule), None) => Ok((
                Caller {
                    audiences: Audience::ALL.to_vec(),
                    principal: rule.principal,
                    groups: rule.groups.clone(),
                    tenant: rule.tenant,
                    from_simulator_authority: false,
                    application: Some(names.subject),
                    user: None,
                },
                until,
            )),
            (None, _) => refuse("the client certificate matches no rule"),
            (Some(_), Some(_)) => refuse("the client certificate matches more than one rule"),
        }
    }
}

/// Returns the conditions of a rule; the last two are about the issuer, which does not identify a principal by itself.
fn conditions(rule: &CertificateRule) -> [Option<&str>; 6] {
    let [subject, dns, uri, email, issuer] =
        [&rule.subject, &rule.san_dns, &rule.san_uri, &rule.san_email, &rule.issuer].map(Option::as_deref);
    // A path that is not UTF-8 cannot be compared; reading the file reports it.
    let file = rule.issuer_file.as_deref().map(|path| path.to_str().unwrap_or("(not UTF-8)"));
    [subject, dns, uri, email, issuer, file]
}

/// Whether every certificate that matches the second rule matches the first too.
fn covers(rule: &CertificateRule, other: &CertificateRule) -> bool {
    conditions(rule).into_iter().zip(conditions(other)).all(|(here, there)| here.is_none() || here == there)
}

/// The names in a certificate that rules can match.
struct Names<'a> {
    subject: String,
    issuer: String,
    alternative: Vec<GeneralName<'a>>,
}

impl<'a> Names<'a> {
    fn of(certificate: &X509Certificate<'a>) -> Self {
        let alternative = certificate
            .iter_extensions()
            .filter_map(|extension| match extension.parsed_extension() {
                x509_parser::extensions::ParsedExtension::SubjectAlternativeName(names) => {
                    Some(names.general_names.clone())
                }
                _ => None,
            })
            .flatten()
            .collect();
        Self {
            subject: distinguished_name(certificate.subject()),
            issuer: distinguished_name(certificate.issuer()),
            alternative,
        }
    }

    fn satisfy(&self, rule: &CertificateRule) -> bool {
        let among = |wanted: &Option<String>, kind: fn(&GeneralName<'_>) -> Option<String>| {
            wanted
                .as_ref()
                .is_none_or(|wanted| self.alternative.iter().any(|name| kind(name).as_ref() == Some(wanted)))
        };
        rule.subject.as_ref().is_none_or(|wanted| *wanted == self.subject)
            && rule.issuer.as_ref().is_none_or(|wanted| *wanted == self.issuer)
            && among(&rule.san_dns, |name| match name {
                GeneralName::DNSName(text) => Some((*text).to_owned()),
                _ => None,
            })
            && among(&rule.san_uri, |name| match name {
                GeneralName::URI(text) => Some((*text).to_owned()),
                _ => None,
            })
            && among(&rule.san_email, |name| match name {
                GeneralName::RFC822Name(text) => Some((*text).to_owned()),
                _ => None,
            })
    }
}
