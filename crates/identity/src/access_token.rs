//! Verification of access tokens: JSON Web Tokens of configured issuers (RFC 7519, RFC 9068, Entra ID's v1 and v2).

use std::collections::HashMap;
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation, dangerous, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::config::ConfigError;
use crate::model::name::PrincipalId;
use crate::model::{Error, Result};

use super::audience::Audiences;
use super::keys::{KeyRing, SigningKeys};
use super::{Caller, Issuer, SignatureAlgorithm, system_clock};

/// The maximum size of an access token, in bytes.
pub(super) const LONGEST_TOKEN: usize = 16 * 1024;
/// The highest value of `leeway_seconds`.
const LONGEST_LEEWAY: u64 = 300;

const MALFORMED: &str = "the access token is not a signed JSON Web Token of an accepted algorithm";
const UNKNOWN_KEY: &str = "the access token names a signing key that its issuer does not publish";
const KEYS_TOO_OLD: &str = "the signing keys of the access token's issuer are out of date";
const BAD_SIGNATURE: &str = "the access token's signature is invalid";
pub(super) const OTHER_AUDIENCE: &str = "the access token is for another audience";

/// The trusted issuers, by `iss`.
pub(super) struct Issuers(HashMap<String, TrustedIssuer>);

struct TrustedIssuer {
    tenant: Uuid,
    tenant_claim_required: bool,
    own: bool,
    leeway: u64,
    audiences: Audiences,
    /// One validation per accepted algorithm.
    validations: Vec<(SignatureAlgorithm, Validation)>,
    keys: Arc<KeyRing>,
}

/// The claim that is read from an unverified token: it selects the keys for the verification.
#[derive(Deserialize)]
struct UnverifiedClaims {
    iss: String,
}

/// The claims of a verified token. Claims that do not affect authorization may have any type.
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
    pub(super) async fn new(settings: Vec<Issuer>) -> Result<Self, ConfigError> {
        let mut issuers = HashMap::new();
        for issuer in settings {
            let issuer_rules = TrustedIssuer::new(&issuer).await?;
            let name = issuer.issuer;
            if issuers.insert(name.clone(), issuer_rules).is_some() {
                return Err(ConfigError::new(format!("identity.issuers: {name} is configured twice")));
            }
        }
        Ok(Self(issuers))
    }

    /// Verifies a token. Returns the caller, and the last second in which the result may be cached.
    pub(super) async fn verify(&self, token: &str) -> Result<(Caller, u64)> {
        let refuse = |why| Err(Error::Unauthenticated { why });
        let Ok(header) = decode_header(token) else { return refuse(MALFORMED) };
        if header.crit.is_some() {
            // RFC 7515, section 4.1.11: no critical extension is supported.
            return refuse("the access token has unsupported critical headers (crit)");
        }
        let Ok(UnverifiedClaims { iss }) = dangerous::insecure_decode_claims(token) else {
            return refuse(MALFORMED);
        };
        let Some(issuer) = self.0.get(&iss) else {
            return refuse("the access token's issuer is not trusted");
        };
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
            result => result,
        };
        let Some(left) = issuer.keys.remaining_seconds(&keys) else { return refuse(KEYS_TOO_OLD) };
        let claims = claims.map_err(|why| Error::Unauthenticated { why })?;
        // `as` saturates; the library has rejected NaN and values that are not numbers.
        let expires = (claims.exp as u64).saturating_add(issuer.leeway);
        // Not cached for longer than the keys are valid.
        let until = expires.min(system_clock::unix_seconds().saturating_add(left));
        Ok((issuer.caller(claims)?, until))
    }
}

impl TrustedIssuer {
    async fn new(issuer: &Issuer) -> Result<Self, ConfigError> {
        let wrong =
            |why: &str| Err(ConfigError::new(format!("identity.issuers: issuer {:?}: {why}", issuer.issuer)));
        if issuer.issuer.is_empty() {
            return wrong("issuer must not be empty");
        }
        let others = issuer.vault_audiences.iter().chain(&issuer.management_audiences);
        let mut named = issuer.audiences.iter().chain(others);
        if issuer.audiences.is_empty() || named.any(String::is_empty) {
            return wrong("audiences must not be empty, or access tokens for any audience would be accepted");
        }
        if issuer.algorithms.is_empty() {
            return wrong("algorithms must not be empty");
        }
        if issuer.leeway_seconds > LONGEST_LEEWAY {
            return wrong("leeway_seconds must be at most 300");
        }
        let validation = |algorithm: SignatureAlgorithm| {
            let mut validation = Validation::new(algorithm.into());
            validation.leeway = issuer.leeway_seconds;
            validation.validate_nbf = true;
            // `aud` is compared afterwards, because its value decides which plane accepts the token.
            validation.validate_aud = false;
            validation.set_issuer(&[&issuer.issuer]);
            validation.set_required_spec_claims(&["exp", "iss", "aud"]);
            (algorithm, validation)
        };
        Ok(Self {
            tenant: issuer.tenant,
            tenant_claim_required: issuer.tenant_claim_required,
            own: issuer.is_simulator_authority,
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
            Some(_) => return refuse("the access token is of another tenant"),
            None if self.tenant_claim_required => {
                return refuse("the access token does not name its tenant (tid)");
            }
            None => {}
        }
        let Some(principal) = claims.oid.as_deref().and_then(|oid| oid.parse().ok()) else {
            return refuse("the access token does not name its principal by object id (oid, a GUID)");
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
            from_simulator_authority: self.own,
            audiences,
            application: first([&claims.appid, &claims.azp]),
            user: first([&claims.upn, &claims.preferred_username]),
        })
    }
}

/// Verifies the signature and the registered claims, by the system clock.
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
            ErrorKind::ExpiredSignature => return Err("the access token has expired"),
            ErrorKind::ImmatureSignature => return Err("the access token is not valid yet"),
            ErrorKind::InvalidIssuer => return Err("the access token's issuer is not trusted"),
            ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => {
                return Err("the access token's claims are incomplete or malformed");
            }
            _ => BAD_SIGNATURE,
        };
    }
    Err(refusal)
}
