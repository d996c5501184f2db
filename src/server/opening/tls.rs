//! The TLS settings of the listeners, and the authorities that issue client certificates.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::client_verifier::ClientVerifier;
use crate::config::Config;
use crate::identity::Revocation;

/// The trust settings for client certificates.
pub(super) struct ClientTrust {
    /// The trusted certificate authorities.
    pub(super) authorities: Vec<CertificateDer<'static>>,
    /// The revocation lists.
    pub(super) revocation: Revocation,
}

impl ClientTrust {
    /// Reads the configured files.
    ///
    /// # Errors
    /// If a file cannot be read; the text names the setting.
    pub(super) fn read(config: &Config) -> anyhow::Result<Self> {
        let authorities = match &config.server.client_ca_file {
            None => Vec::new(),
            Some(path) => CertificateDer::pem_file_iter(path)
                .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
                .with_context(|| format!("server.client_ca_file: reading {}", path.display()))?,
        };
        if config.server.client_ca_file.is_some() && authorities.is_empty() {
            bail!("server.client_ca_file: contains no certificate");
        }
        let revocation = Revocation::open(&config.identity.revocation.crl_files)?;
        Ok(Self { authorities, revocation })
    }
}

/// Returns the TLS configuration: TLS 1.2 and 1.3, with optional client certificates if an authority for them is
/// configured.
pub(super) fn tls(
    (chain, key): (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
    trust: &ClientTrust,
) -> anyhow::Result<Arc<rustls::ServerConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .context("TLS versions")?;
    let builder = if trust.authorities.is_empty() {
        builder.with_no_client_auth()
    } else {
        let mut roots = RootCertStore::empty();
        for certificate in &trust.authorities {
            roots.add(certificate.clone()).context("server.client_ca_file")?;
        }
        let verifier = ClientVerifier::new(roots, provider, trust.revocation.clone())?;
        builder.with_client_cert_verifier(Arc::new(verifier))
    };
    let mut tls = builder.with_single_cert(chain, key).context("the server's certificate and key")?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(tls))
}
