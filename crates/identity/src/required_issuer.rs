//! The required issuer of a client certificate, identified by its key, because several authorities may have the same
//! name.

use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::CertificateRule;
use super::distinguished_name::distinguished_name;

/// The authority that must have signed the certificates of a rule.
pub(super) struct RequiredIssuer(Arc<dyn ClientCertVerifier>);

impl RequiredIssuer {
    /// Returns the authority that a rule names, or `None` if it names none. It is looked up by subject in the rule's
    /// file, or else among `authorities`.
    pub(super) fn of(
        rule: &CertificateRule,
        authorities: &[CertificateDer<'static>],
    ) -> Result<Option<Self>, String> {
        let named = |certificate: &CertificateDer<'_>| match &rule.issuer {
            None => true,
            Some(name) => X509Certificate::from_der(certificate)
                .is_ok_and(|(_, certificate)| distinguished_name(certificate.subject()) == *name),
        };
        let (found, origin): (Vec<_>, _) = match (&rule.issuer_file, &rule.issuer) {
            (None, None) => return Ok(None),
            (Some(file), _) => {
                let certificates = CertificateDer::pem_file_iter(file)
                    .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
                    .map_err(|error| format!("issuer_file {}: {error}", file.display()))?;
                (certificates.into_iter().filter(named).collect(), file.display().to_string())
            }
            (None, Some(_)) => (
                authorities.iter().filter(|one| named(one)).cloned().collect(),
                "server.client_ca_file".into(),
            ),
        };
        let [authority] = found.as_slice() else {
            let name = rule.issuer.as_deref().unwrap_or("any name");
            return Err(format!(
                "issuer: {origin} has {} certificates of {name} instead of one; issuer_file can name another file",
                found.len()
            ));
        };
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone()).map_err(|error| format!("issuer: {error}"))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map(|verifier| Some(Self(verifier)))
            .map_err(|error| format!("issuer: {error}"))
    }

    /// Whether a certificate is signed with the key of the authority.
    pub(super) fn signed(&self, der: &[u8], now: u64) -> bool {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        self.0.verify_client_cert(&CertificateDer::from(der), &[], now).is_ok()
    }
}
