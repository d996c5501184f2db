//! What is trusted: token issuers and client certificates.

use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use serde::Deserialize;
use uuid::Uuid;

use super::Revocation;

/// Which client certificates stand for which principal, as it is configured.
pub use crate::config::CertificateRule;

/// A set of public keys in JSON Web Key form (RFC 7517).
pub use jsonwebtoken::jwk::JwkSet as Jwks;

/// Everything that makes credentials believable. Nothing is trusted by default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The issuers whose tokens are believed.
    pub issuers: Vec<Issuer>,
    /// The client certificates that are principals.
    pub certificates: Vec<CertificateRule>,
    /// The authorities of client certificates, among which rules name issuers.
    #[serde(skip)]
    pub client_authorities: Vec<CertificateDer<'static>>,
    /// Which client certificates are revoked.
    #[serde(skip)]
    pub revocation: Revocation,
}

/// An issuer of bearer tokens, and what a token of it must say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// `iss`, to the letter, for example `https://sts.windows.net/{tenant}/`.
    pub issuer: String,
    /// Any one of these must be in `aud`; one trailing slash more or less makes no difference.
    pub audiences: Vec<String>,
    /// The same for Azure Resource Manager. Tokens for it open nothing else, and others do not open it.
    #[serde(default)]
    pub management_audiences: Vec<String>,
    /// Whether the audiences' ports make no difference: where it is the own issuer, whoever forwards a port.
    #[serde(skip)]
    pub any_port: bool,
    /// Whether it is the simulator's own authority, whose principals alone may call the simulator's own services.
    #[serde(skip)]
    pub own: bool,
    /// The tenant `tid` must name, and that callers belong to.
    pub tenant: Uuid,
    /// Where the signing keys come from.
    pub keys: KeySource,
    /// The signature algorithms that are accepted.
    #[serde(default = "all_algorithms")]
    pub algorithms: Vec<SignatureAlgorithm>,
    /// How far the issuer's clock may be from ours, in seconds; at most 300.
    #[serde(default = "default_leeway")]
    pub leeway_seconds: u64,
    /// Whether a token without `tid` is refused. Only issuers of a single tenant may go without.
    #[serde(default = "yes")]
    pub tenant_claim_required: bool,
    /// The only certificate authorities trusted for `keys.jwks_url`, as PEM; the system's otherwise.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long keys that were read are believed while they cannot be read again, in seconds.
    #[serde(default = "default_max_age")]
    pub keys_max_age_seconds: u64,
    /// The proxy for `keys.jwks_url`, unless it is on this machine. None is taken from the environment.
    #[serde(default)]
    pub proxy: Option<String>,
}

/// Where an issuer's signing keys come from. In a file: `keys = { jwks_url = "https://…" }`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// A file with a JSON Web Key Set. Read again when a token names a key that is not in it.
    JwksFile(PathBuf),
    /// The issuer's `jwks_uri`: https, or http to this machine.
    JwksUrl(String),
    /// Keys of an issuer in this process.
    #[serde(skip)]
    Given(Jwks),
}

/// The signature algorithms of RFC 7518 that are supported. Those with shared secrets, and `none`, cannot be
/// named at all.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits or more.
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
