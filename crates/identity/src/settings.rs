//! The settings of authentication: trusted issuers and client certificates.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use uuid::Uuid;

use super::Revocation;

/// A rule that maps client certificates to a principal, as configured.
pub use crate::config::CertificateRule;

/// A set of public keys in JSON Web Key form (RFC 7517).
pub use jsonwebtoken::jwk::JwkSet as Jwks;

/// The settings of authentication. By default, nothing is trusted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The trusted issuers of access tokens.
    pub issuers: Vec<Issuer>,
    /// The rules that map client certificates to principals.
    pub certificates: Vec<CertificateRule>,
    /// The certificate authorities of client certificates, to which the issuers of rules refer.
    #[serde(skip)]
    pub client_authorities: Vec<CertificateDer<'static>>,
    /// The revocation lists of client certificates.
    #[serde(skip)]
    pub revocation: Revocation,
}

/// An issuer of access tokens, and the requirements on its tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The exact value of `iss`, for example `https://sts.windows.net/{tenant}/`.
    pub issuer: String,
    /// The accepted values of `aud`; one trailing slash is ignored.
    pub audiences: Vec<String>,
    /// The accepted values of `aud` for the data planes of vaults. Access tokens for them are not accepted by managed
    /// HSMs, and the other way round.
    #[serde(default)]
    pub vault_audiences: Vec<String>,
    /// The accepted values of `aud` for Azure Resource Manager. Access tokens for it are not accepted by data planes,
    /// and the other way round.
    #[serde(default)]
    pub management_audiences: Vec<String>,
    /// Whether ports in audiences are ignored. Set for the simulator's authority, since ports may be forwarded.
    #[serde(skip)]
    pub any_port: bool,
    /// Whether it is the simulator's authority. Only its principals may call the services that a simulator adds.
    #[serde(skip)]
    pub is_simulator_authority: bool,
    /// The required value of `tid`, and the tenant of the callers.
    pub tenant: Uuid,
    /// The source of the signing keys.
    pub keys: KeySource,
    /// The accepted signature algorithms.
    #[serde(default = "all_algorithms")]
    pub algorithms: Vec<SignatureAlgorithm>,
    /// The tolerated clock skew, in seconds; at most 300.
    #[serde(default = "default_leeway")]
    pub leeway_seconds: u64,
    /// Whether an access token without `tid` is rejected. Must be true for issuers with several tenants.
    #[serde(default = "yes")]
    pub tenant_claim_required: bool,
    /// The certificate authorities trusted for `keys.jwks_url` instead of the system's, PEM.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The maximum age of the signing keys if they cannot be fetched again, in seconds.
    #[serde(default = "default_max_age")]
    pub keys_max_age_seconds: u64,
    /// The proxy for `keys.jwks_url`, not used for loopback addresses. Proxy variables of the environment are ignored.
    #[serde(default)]
    pub proxy: Option<String>,
}

/// The source of an issuer's signing keys. In a configuration file: `keys = { jwks_url = "https://…" }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// The path of a JSON Web Key Set, read again when an access token names an unknown key.
    JwksFile(PathBuf),
    /// The issuer's `jwks_uri`: https, or http to a loopback address.
    JwksUrl(String),
    /// The keys of an issuer in this process.
    #[serde(skip)]
    Static(Jwks),
}

/// The supported signature algorithms of RFC 7518. Algorithms with shared secrets, and `none`, cannot be configured.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, and keys of 2048 bits or more.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
}

fn all_algorithms() -> Vec<SignatureAlgorithm> {
    vec![SignatureAlgorithm::RS256, SignatureAlgorithm::ES256]
}

const fn default_leeway() -> u64 {
    60
}

const fn default_max_age() -> u64 {
    24 * 60 * 60
}

const fn yes() -> bool {
    true
}
