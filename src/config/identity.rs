//! Who is believed: issuers of bearer tokens, and client certificates.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::name::PrincipalId;

/// An issuer of bearer tokens. Its keys come from exactly one of `jwks_file` and `jwks_url`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The exact `iss`.
    pub issuer: String,
    /// Any of these as `aud`; a final slash does not matter.
    pub audiences: Vec<String>,
    /// The same for Azure Resource Manager: tokens for it open nothing else, and others do not open it.
    #[serde(default)]
    pub management_audiences: Vec<String>,
    /// The tenant its principals belong to.
    pub tenant: Uuid,
    /// A JSON Web Key Set in a file.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// A JSON Web Key Set behind an https URL; fetched again when a key id is unknown.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// A certificate authority for `jwks_url` instead of the system's, PEM.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether `tid` must be present and equal the tenant. Issuers other than Entra ID may have none.
    #[serde(default = "yes")]
    pub tenant_claim_required: bool,
    /// How far clocks may be apart, in seconds.
    #[serde(default = "minute")]
    pub leeway_seconds: u64,
    /// How old the keys may be that were read last, in seconds, at least 60: while they cannot be read again, tokens of
    /// the issuer are refused from then on.
    #[serde(default = "day")]
    pub keys_max_age_seconds: u64,
    /// A proxy for `jwks_url`: `http://host:port`. Without it there is none, whatever the environment says, and there is
    /// none for addresses of this machine.
    #[serde(default)]
    pub proxy: Option<String>,
}

/// Which client certificates stand for which principal. All conditions given must hold, each to the letter.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRule {
    /// The subject in RFC 4514 form, for example `CN=payroll,O=Example`; what
    /// `openssl x509 -noout -subject -nameopt RFC2253,-esc_msb` prints.
    #[serde(default)]
    pub subject: Option<String>,
    /// A DNS name among the subject alternative names.
    #[serde(default)]
    pub san_dns: Option<String>,
    /// A URI among the subject alternative names, for example a SPIFFE id.
    #[serde(default)]
    pub san_uri: Option<String>,
    /// A mail address among the subject alternative names.
    #[serde(default)]
    pub san_email: Option<String>,
    /// The name, in the form of `subject`, of an authority in `server.client_ca_file` or `issuer_file`: the certificate
    /// must be signed with its key, by itself and not by an authority below it.
    #[serde(default)]
    pub issuer: Option<String>,
    /// The certificate of the authority that must have signed it, PEM; for those that are not in `server.client_ca_file`.
    #[serde(default)]
    pub issuer_file: Option<PathBuf>,
    /// Whom the certificate stands for.
    pub principal: PrincipalId,
    /// The groups the principal is a member of.
    #[serde(default)]
    pub groups: Vec<PrincipalId>,
    /// The tenant the principal belongs to.
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
