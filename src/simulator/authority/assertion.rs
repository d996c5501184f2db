//! Verification of client assertions, which an application signs with the key of its certificate (RFC 7523).
//!
//! An assertion may be reused while it is valid, because MSAL for Python sends the same one for nine minutes in all its
//! requests.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, Header};
use serde::Deserialize;
use uuid::Uuid;

use crate::api::HostAndPort;
use crate::identity::system_clock;

use super::certificate::{ClientCertificate, hex};
use super::refusal::{Refusal, UnusableKey};
use super::{Authority, Client};

/// The only supported assertion type (RFC 7523, section 2.2).
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The tolerated clock skew, in seconds.
const LEEWAY: i64 = 60;

/// The algorithms that MSAL uses: RS256 with SHA-1 thumbprints, PS256 with SHA-256 thumbprints.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::PS256];

/// The claims of an assertion (RFC 7523, section 3). Times may have fractions of seconds.
#[derive(Deserialize)]
struct Claims {
    aud: Audience,
    iss: String,
    sub: String,
    exp: f64,
    nbf: Option<f64>,
}

/// The `aud` claim: a string or an array (RFC 7519, section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn all(&self) -> &[String] {
        match self {
            Self::One(audience) => std::slice::from_ref(audience),
            Self::Several(audiences) => audiences,
        }
    }
}

impl Authority {
    /// Returns the application if the assertion is signed by it, is for this authority, and is currently valid.
    pub(super) fn verify_assertion(&self, client_id: Uuid, assertion: &str) -> Result<Client, Refusal> {
        let Parts { header, claims, message, signature } =
            Parts::parse(assertion).ok_or_else(Refusal::malformed_assertion)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Refusal::unsupported_algorithm(header.alg));
        }
        // RFC 7515, section 4.1.11: no critical extension is supported.
        if header.crit.is_some() {
            return Err(Refusal::malformed_assertion());
        }
        let thumbprints = thumbprints(&header).ok_or_else(Refusal::no_thumbprint)?;
        let shown = thumbprints.last().map(|thumbprint| hex(thumbprint)).unwrap_or_default();
        let unknown = || Refusal::unknown_application(&client_id.to_string(), self.settings.tenant);
        let (client, registered) = self.clients.with_certificates(client_id).ok_or_else(unknown)?;
        let named = |certificate: &&ClientCertificate| {
            thumbprints.iter().all(|thumbprint| certificate.has_thumbprint(thumbprint))
        };
        let Some(certificate) = registered.iter().find(named) else {
            return Err(Refusal::unusable_key(client_id, &shown, UnusableKey::NotFound));
        };
        let (from, until) = certificate.validity();
        let is_signed = verify(signature, message.as_bytes(), certificate.key(), header.alg);
        if !is_signed.unwrap_or(false) {
            return Err(Refusal::unusable_key(client_id, &shown, UnusableKey::WrongSignature(from, until)));
        }
        let now = i64::try_from(system_clock::unix_seconds()).unwrap_or(i64::MAX);
        if now < from || until < now {
            return Err(Refusal::unusable_key(client_id, &shown, UnusableKey::Expired(from, until)));
        }
        let is_client = |text: &str| Uuid::parse_str(text).is_ok_and(|id| id == client_id);
        if !is_client(&claims.iss) || !is_client(&claims.sub) {
            return Err(Refusal::assertion_of_another());
        }
        // `as` saturates, and JSON has no NaN.
        let (from, until) = (claims.nbf.unwrap_or_default() as i64, claims.exp as i64);
        if now.saturating_add(LEEWAY) < from || until < now.saturating_sub(LEEWAY) {
            return Err(Refusal::assertion_out_of_time(now, from, until));
        }
        if !claims.aud.all().iter().any(|audience| self.is_own_endpoint(audience)) {
            return Err(Refusal::assertion_for_another_authority());
        }
        Ok(client)
    }

    /// Whether `url` is one of the token endpoints, or the issuer as in Microsoft's documentation. Ports are ignored,
    /// since they may be forwarded.
    fn is_own_endpoint(&self, url: &str) -> bool {
        let Some((host, path)) = url.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
            return false;
        };
        let Some((tenant, endpoint)) = path.split_once('/') else { return false };
        HostAndPort::parse(host).is_some_and(|named| self.is_own_host(named.host()))
            && self.knows_tenant(tenant)
            && matches!(endpoint, "oauth2/v2.0/token" | "oauth2/token" | "v2.0")
    }
}

/// The parsed parts of an assertion.
struct Parts<'a> {
    header: Header,
    claims: Claims,
    /// The signed text: everything before the last dot, as sent.
    message: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    /// Parses an assertion as leniently as Entra ID does: the asynchronous Python clients pad each part, which RFC 7515
    /// forbids, and sign the padded text.
    fn parse(assertion: &'a str) -> Option<Self> {
        let (message, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        Some(Self {
            header: serde_json::from_slice(&decode_base64url(header)?).ok()?,
            claims: serde_json::from_slice(&decode_base64url(claims)?).ok()?,
            message,
            signature: signature.trim_end_matches('='),
        })
    }
}

/// Decodes base64url, with or without padding.
fn decode_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// Returns the certificate thumbprints in a header; errors show the last one.
fn thumbprints(header: &Header) -> Option<Vec<Vec<u8>>> {
    let named = [&header.x5t_s256, &header.x5t].into_iter().flatten();
    let named: Vec<_> = named.map(|text| decode_base64url(text).unwrap_or_default()).collect();
    (!named.is_empty()).then_some(named)
}
