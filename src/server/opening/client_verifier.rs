//! Verifies client certificates in TLS handshakes against the configured authorities and revocation lists.

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};

use crate::identity::Revocation;

/// Verifies client certificates with the current revocation lists. Certificates are optional, since callers may have an
/// access token instead.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    revocation: Revocation,
    subjects: Vec<DistinguishedName>,
    current: RwLock<(u64, Arc<dyn ClientCertVerifier>)>,
}

impl ClientVerifier {
    /// Creates a verifier.
    ///
    /// # Errors
    /// If an authority or a revocation list is invalid.
    pub(super) fn new(
        roots: RootCertStore,
        provider: Arc<CryptoProvider>,
        revocation: Revocation,
    ) -> anyhow::Result<Self> {
        let roots = Arc::new(roots);
        let (generation, first) =
            build(&roots, &provider, &revocation).context("identity.revocation.crl_files")?;
        let subjects = first.root_hint_subjects().to_vec();
        Ok(Self { roots, provider, revocation, subjects, current: RwLock::new((generation, first)) })
    }

    fn current(&self) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
        let known = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        if self.revocation.current().is_none_or(|lists| lists.generation == known.0) {
            return Ok(known.1);
        }
        let fresh = build(&self.roots, &self.provider, &self.revocation)
            .map_err(|error| rustls::Error::General(format!("{error:#}")))?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        Ok(fresh.1)
    }

    fn cached(&self) -> Arc<dyn ClientCertVerifier> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

fn build(
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
    revocation: &Revocation,
) -> anyhow::Result<(u64, Arc<dyn ClientCertVerifier>)> {
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider))
        .allow_unauthenticated();
    let Some(lists) = revocation.current() else { return Ok((0, builder.build()?)) };
    // An outdated list is an error: otherwise withholding newer lists would keep revoked certificates valid.
    let builder = builder.with_crls(lists.der.iter().cloned()).enforce_revocation_expiration();
    Ok((lists.generation, builder.build()?))
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.subjects
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.current()?.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.cached().verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.cached().verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.cached().supported_verify_schemes()
    }
}
