//! The settings of authentication: issuers of access tokens, and client certificates.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::name::PrincipalId;

/// An issuer of access tokens. Its signing keys come from exactly one of `jwks_file` and `jwks_url`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The exact value of `iss`.
    pub issuer: String,
    /// The accepted values of `aud`; a trailing slash is ignored.
    pub audiences: Vec<String>,
    /// The accepted values of `aud` for the data planes of vaults. Access tokens for them are not accepted by managed
    /// HSMs, and the other way round.
    #[serde(default)]
    pub vault_audiences: Vec<String>,
    /// The accepted values of `aud` for Azure Resource Manager. Access tokens for it are not accepted by data planes,
    /// and the other way round.
    #[serde(default)]
    pub management_audiences: Vec<String>,
    /// The tenant of its principals.
    pub tenant: Uuid,
    /// The path of a JSON Web Key Set.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// The https URL of a JSON Web Key Set; fetched again when a key id is unknown.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// The certificate authorities trusted for `jwks_url` instead of the system's, PEM.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether an access token without `tid` is rejected. A `tid` that is present must always equal the tenant. Issuers
    /// other than Entra ID may omit it.
    #[serde(default = "yes")]
    pub tenant_claim_required: bool,
    /// The tolerated clock skew, in seconds.
    #[serde(default = "minute")]
    pub leeway_seconds: u64,
    /// The maximum age of the signing keys, in seconds, at least 60: if they cannot be fetched again before that,
    /// access tokens of the issuer are rejected.
    #[serde(default = "day")]
    pub keys_max_age_seconds: u64,
    /// The proxy for `jwks_url`: `http://host:port`. Proxy variables of the environment are ignored, and loopback
    /// addresses are never proxied.
    #[serde(default)]
    pub proxy: Option<String>,
}

/// Maps client certificates to a principal. All given conditions must hold, compared case-sensitively.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRule {
    /// The subject in RFC 4514 form, for example `CN=payroll,O=Example`, as printed by
    /// `openssl x509 -noout -subject -nameopt RFC2253,-esc_msb`.
    #[serde(default)]
    pub subject: Option<String>,
    /// A DNS name among the subject alternative names.
    #[serde(default)]
    pub san_dns: Option<String>,
    /// A URI among the subject alternative names, for example a SPIFFE id.
    #[serde(default)]
    pub san_uri: Option<String>,
    /// An email address among the subject alternative names.
    #[serde(default)]
    pub san_email: Option<String>,
    /// The subject, in the form of `subject`, of an authority in `server.client_ca_file` or `issuer_file` that must
    /// have signed the certificate directly, not through an intermediate authority.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The certificate of the authority that must have signed the certificate, PEM, if it is not in
    /// `server.client_ca_file`.
    #[serde(default)]
    pub issuer_file: Option<PathBuf>,
    /// The principal that the certificate authenticates.
    pub principal: PrincipalId,
    /// The groups of the principal.
    #[serde(default)]
    pub groups: Vec<PrincipalId>,
    /// The tenant of the principal.
    pub tenant: Uuid,
}

const fn yes() -> bool {
    true
}

const fn minute() -> u64 {
    60
}

const fn day() -> u64 {
    24 * 60 * 60
}
