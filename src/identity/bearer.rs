//! Bearer tokens: JSON Web Tokens of configured issuers (RFC 7519, RFC 9068, Entra ID's v1 and v2 forms).

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, dangerous, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::model::name::PrincipalId;
use crate::model::{Error, Result};

use super::audience::Audiences;
use super::keys::{KeyRing, SigningKeys};
use super::{Caller, Issuer, SignatureAlgorithm, machine_clock};

/// The longest token that is looked at, in bytes.
pub(super) const LONGEST_TOKEN: usize = 16 * 1024;
/// The most an issuer's clock may be off, in seconds.
const LONGEST_LEEWAY: u64 = 300;

const MALFORMED: &str = "the token is not a signed JSON Web Token of an accepted algorithm";
const UNKNOWN_KEY: &str = "the token names a signing key that its issuer does not publish";
const KEYS_TOO_OLD: &str = "the signing keys of the token's issuer could not be read for too long";
const BAD_SIGNATURE: &str = "the token's signature is wrong";
pub(super) const OTHER_AUDIENCE: &str = "the token is meant for another audience";

/// The issuers that are trusted, by `iss`.
pub(super) struct Issuers(HashMap<String, Trusted>);

struct Trusted {
    tenant: Uuid,
    tenant_claim_required: bool,
    own: bool,
    leeway: u64,
    audiences: Audiences,
    /// One for each accepted algorithm.
    validations: Vec<(SignatureAlgorithm, Validation)>,
    keys: Arc<KeyRing>,
}

/// What is read of a token before anything is believed: whose keys to verify it with.
#[derive(Deserialize)]
struct Unverified {
    iss: String,
}

/// What is read of a verified token. Claims that only inform are read leniently.
#[derive(Deserialize)]
struct Claims {
    exp: f64,
    aud: Value,
    oid: Option<String>,
    tid: Option<String>,
    #[serde(default)]
    groups: Value,
    #[serde(default)]
    appid: Value,
    #[serde(default)]
    azp: Value,
    #[serde(default)]
    upn: Value,
    #[serde(default)]
    preferred_username: Value,
}

impl From<SignatureAlgorithm> for Algorithm {
    fn from(algorithm: SignatureAlgorithm) -> Self {
        match algorithm {
            SignatureAlgorithm::RS256 => Self::RS256,
            SignatureAlgorithm::ES256 => Self::ES256,
        }
    }
}

impl Issuers {
    pub(super) async fn new(settings: Vec<Issuer>) -> Result<Self> {
        let mut issuers = HashMap::new();
        for issuer in settings {
            let trusted = Trusted::new(&issuer).await?;
            let name = issuer.issuer;
            if issuers.insert(name.clone(), trusted).is_some() {
                return Err(Error::invalid("identity.issuers", format!("{name} is configured twice")));
            }
        }
        Ok(Self(issuers))
    }

    /// The caller the token names, and the last second in which it does.
    pub(super) async fn verify(&self, token: &str) -> Result<(Caller, u64)> {
        let refuse = |why| Err(Error::Unauthenticated { why });
        let Ok(header) = decode_header(token) else { return refuse(MALFORMED) };
        if header.crit.is_some() {
            // RFC 7515, 4.1.11: extensions that must be understood, and we understand none.
            return refuse("the token demands extensions that are not supported");
        }
        let Ok(Unverified { iss }) = dangerous::insecure_decode_claims(token) else {
            return refuse(MALFORMED);
        };
        let Some(issuer) = self.0.get(&iss) else { return refuse("the token's issuer is not trusted here") };
        let Some((algorithm, validation)) =
            issuer.validations.iter().find(|(accepted, _)| Algorithm::from(*accepted) == header.alg)
        else {
            return refuse(MALFORMED);
        };

        let key_id = header.kid.as_deref();
        let mut keys = issuer.keys.current().await;
        let claims = match check(token, &keys, key_id, *algorithm, validation) {
            Err(why) if why == UNKNOWN_KEY || (why == BAD_SIGNATURE && key_id.is_none()) => {
                keys = issuer.keys.newer_than(&keys).await;
                check(token, &keys, key_id, *algorithm, validation)
            }
            answer => answer,
        };
        let Some(left) = issuer.keys.left(&keys) else { return refuse(KEYS_TOO_OLD) };
        let claims = claims.map_err(|why| Error::Unauthenticated { why })?;
        // `as` saturates; the library has refused what is not a number.
        let expires = (claims.exp as u64).saturating_add(issuer.leeway);
        // Not remembered for longer than the keys are believed.
        let until = expires.min(machine_clock::unix_seconds().saturating_add(left));
        Ok((issuer.caller(claims)?, until))
    }
}

impl Trusted {
    async fn new(issuer: &Issuer) -> Result<Self> {
        let wrong =
            |why: &str| Err(Error::invalid("identity.issuers", format!("issuer {:?}: {why}", issuer.issuer)));
        if issuer.issuer.is_empty() {
            return wrong("the name is empty");
        }
        let mut named = issuer.audiences.iter().chain(&issuer.management_audiences);
        if issuer.audiences.is_empty() || named.any(String::is_empty) {
            return wrong("audiences must be named, or a token for anything would be accepted");
        }
        if issuer.algorithms.is_empty() {
            return wrong("no algorithm is accepted");
        }
        if issuer.leeway_seconds > LONGEST_LEEWAY {
            return wrong("leeway_seconds is at most 300");
        }
        let validation = |algorithm: SignatureAlgorithm| {
            let mut validation = Validation::new(algorithm.into());
            validation.leeway = issuer.leeway_seconds;
            validation.validate_nbf = true;
            // Compared when the rest is believed, because what it is decides where the token opens.
            validation.validate_aud = false;
            validation.set_issuer(&[&issuer.issuer]);
            validation.set_required_spec_claims(&["exp", "iss", "aud"]);
            (algorithm, validation)
        };
        Ok(Self {
            tenant: issuer.tenant,
            tenant_claim_required: issuer.tenant_claim_required,
            own: issuer.own,
            leeway: issuer.leeway_seconds,
            audiences: Audiences::new(issuer),
            validations: issuer.algorithms.iter().copied().map(validation).collect(),
            keys: KeyRing::new(issuer).await?,
        })
    }

    fn caller(&self, claims: Claims) -> Result<Caller> {
        let refuse = |why| Err(Error::Unauthenticated { why });
        let audiences = self.audiences.of(&claims.aud);
        if audiences.is_empty() {
            return refuse(OTHER_AUDIENCE);
        }
        match &claims.tid {
            Some(tid) if Uuid::parse_str(tid).is_ok_and(|tid| tid == self.tenant) => {}
            Some(_) => return refuse("the token is of another tenant"),
            None if self.tenant_claim_required => return refuse("the token does not name its tenant (tid)"),
            None => {}
        }
        let Some(principal) = claims.oid.as_deref().and_then(|oid| oid.parse().ok()) else {
            return refuse("the token does not name its principal by object id (oid, a GUID)");
        };
        let mut groups: Vec<PrincipalId> = match &claims.groups {
            Value::Array(groups) => {
                groups.iter().filter_map(Value::as_str).filter_map(|group| group.parse().ok()).collect()
            }
            _ => Vec::new(),
        };
        groups.sort_unstable();
        groups.dedup();
        let first = |claims: [&Value; 2]| claims.into_iter().find_map(Value::as_str).map(str::to_owned);
        Ok(Caller {
            principal,
            groups,
            tenant: self.tenant,
            of_own_authority: self.own,
            audiences,
            application: first([&claims.appid, &claims.azp]),
            user: first([&claims.upn, &claims.preferred_username]),
        })
    }
}

/// Verifies the signature and the registered claims. The library does both, by the machine's clock.
fn check(
    token: &str,
    keys: &SigningKeys,
    key_id: Option<&str>,
    algorithm: SignatureAlgorithm,
    validation: &Validation,
) -> Result<Claims, &'static str> {
    let mut refusal = UNKNOWN_KEY;
    for candidate in keys.candidates(key_id, algorithm) {
        let error = match decode::<Claims>(token, &candidate.key, validation) {
            Ok(token) => return Ok(token.claims),
            Err(error) => error,
        };
        refusal = match error.kind() {
            ErrorKind::ExpiredSignature => return Err("the token has expired"),
            ErrorKind::ImmatureSignature => return Err("the token is not valid yet"),
            ErrorKind::InvalidIssuer => return Err("the token's issuer is not trusted here"),
            ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => {
                return Err("the token's claims are incomplete or malformed");
            }
            _ => BAD_SIGNATURE,
        };
    }
    Err(refusal)
}
