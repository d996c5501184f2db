//! Client assertions: an application signs with the key of its certificate instead of showing a secret (RFC 7523).
//!
//! An assertion can be used as often as it is valid. That is so on purpose: MSAL for Python signs one and sends it for
//! nine minutes, whatever it asks for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, Header};
use serde::Deserialize;
use uuid::Uuid;

use super::super::machine_clock;
use super::certificate::{ClientCertificate, hex};
use super::host::HostAndPort;
use super::refusal::{Refusal, UnusableKey};
use super::{Authority, Client};

/// The only type of assertion there is (RFC 7523, 2.2).
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far the application's clock may be from ours, in seconds.
const LEEWAY: i64 = 60;

/// What MSAL signs with: the older way, and the one of certificates that are named by SHA-256.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::PS256];

/// What an assertion says (RFC 7523, 3). Times may be fractions of seconds.
#[derive(Deserialize)]
struct Claims {
    aud: Audience,
    iss: String,
    sub: String,
    exp: f64,
    nbf: Option<f64>,
}

/// One or several (RFC 7519, 4.1.3).
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
    /// The application, if it signed the assertion, for us and for now.
    pub(super) fn verify_assertion(&self, client_id: Uuid, assertion: &str) -> Result<Client, Refusal> {
        let Parts { header, claims, message, signature } =
            Parts::read(assertion).ok_or_else(Refusal::malformed_assertion)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Refusal::unsupported_algorithm(header.alg));
        }
        // Extensions that must be understood (RFC 7515, 4.1.11): we understand none.
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
        let (from, until) = certificate.life();
        let is_signed = verify(signature, message.as_bytes(), certificate.key(), header.alg);
        if !is_signed.unwrap_or(false) {
            return Err(Refusal::unusable_key(client_id, &shown, UnusableKey::WrongSignature(from, until)));
        }
        let now = i64::try_from(machine_clock::unix_seconds()).unwrap_or(i64::MAX);
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
        if !claims.aud.all().iter().any(|audience| self.is_our_endpoint(audience)) {
            return Err(Refusal::assertion_for_another_authority());
        }
        Ok(client)
    }

    /// Whether a URL is that of one of our token endpoints, or names us as an issuer as Microsoft's documentation
    /// does. Ports do not count: a client may know another than ours.
    fn is_our_endpoint(&self, url: &str) -> bool {
        let Some((host, path)) = url.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
            return false;
        };
        let Some((tenant, endpoint)) = path.split_once('/') else { return false };
        HostAndPort::parse(host).is_some_and(|named| self.is_our_host(named.host()))
            && self.knows_tenant(tenant)
            && matches!(endpoint, "oauth2/v2.0/token" | "oauth2/token" | "v2.0")
    }
}

/// An assertion, taken apart.
struct Parts<'a> {
    header: Header,
    claims: Claims,
    /// What is signed: the text before the last dot, as it was sent.
    message: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    /// Takes it apart as Entra ID does: the asynchronous clients for Python pad each part, which RFC 7515 forbids, and
    /// sign what they padded.
    fn read(assertion: &'a str) -> Option<Self> {
        let (message, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        Some(Self {
            header: serde_json::from_slice(&unpadded(header)?).ok()?,
            claims: serde_json::from_slice(&unpadded(claims)?).ok()?,
            message,
            signature: signature.trim_end_matches('='),
        })
    }
}

/// Base64url, with padding or without.
fn unpadded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()
}

/// The thumbprints by which a header names the certificate; the last is the one to show.
fn thumbprints(header: &Header) -> Option<Vec<Vec<u8>>> {
    let named = [&header.x5t_s256, &header.x5t].into_iter().flatten();
    let named: Vec<_> = named.map(|text| unpadded(text).unwrap_or_default()).collect();
    (!named.is_empty()).then_some(named)
}
