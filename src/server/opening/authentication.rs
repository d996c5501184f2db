//! The settings of authentication, from the configuration.

use super::tls::ClientTrust;
use crate::config::{self, Config};
use crate::identity::{Issuer, KeySource, Settings, SignatureAlgorithm};

/// Returns the settings of authentication: the configured issuers, then `others`.
pub(super) fn identity_settings(config: &Config, trust: ClientTrust, others: Vec<Issuer>) -> Settings {
    Settings {
        issuers: config.identity.issuers.iter().map(issuer).chain(others).collect(),
        certificates: config.identity.client_certificates.clone(),
        client_authorities: trust.authorities,
        revocation: trust.revocation,
    }
}

fn issuer(issuer: &config::Issuer) -> Issuer {
    Issuer {
        issuer: issuer.issuer.clone(),
        audiences: issuer.audiences.clone(),
        vault_audiences: issuer.vault_audiences.clone(),
        management_audiences: issuer.management_audiences.clone(),
        any_port: false,
        is_simulator_authority: false,
        tenant: issuer.tenant,
        keys: match (&issuer.jwks_file, &issuer.jwks_url) {
            (Some(file), _) => KeySource::JwksFile(file.clone()),
            (None, url) => KeySource::JwksUrl(url.clone().unwrap_or_default()),
        },
        algorithms: vec![SignatureAlgorithm::RS256, SignatureAlgorithm::ES256],
        leeway_seconds: issuer.leeway_seconds,
        tenant_claim_required: issuer.tenant_claim_required,
        ca_file: issuer.ca_file.clone(),
        keys_max_age_seconds: issuer.keys_max_age_seconds,
        proxy: issuer.proxy.clone(),
    }
}
