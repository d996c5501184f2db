//! Authentication of callers by access token or client certificate, and authorization decisions.
//!
//! An access token is accepted if its issuer is configured, and only for the audiences and the tenant configured with
//! the issuer. Verified tokens are cached until they expire or the signing keys are too old. After an issuer revokes a
//! signing key and the keys are refreshed, new tokens are rejected, but cached ones are accepted until their entry
//! expires.
//!
//! Groups come from the token only: if Entra ID omits them because there are too many (`_claim_names`), they are not
//! looked up, and what only a group is granted is denied.
//!
//! A client certificate is accepted if TLS verified it, no revocation list contains it, and a rule matches it.

pub mod system_clock;
mod vault_access;

mod access;
mod access_token;
mod audience;
mod cache;
mod client_certificate;
mod distinguished_name;
mod keys;
mod required_issuer;
mod revocation;
mod settings;

use strongroom_environment::config;
use strongroom_model as model;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::config::ConfigError;
use crate::model::audit_entry::AuditCaller;
use crate::model::name::PrincipalId;
use crate::model::{Error, Result};

pub use crate::model::audience::Audience;
pub use access::{Decision, authorize, explain, roles_granting};
pub use revocation::Revocation;
pub use settings::{CertificateRule, Issuer, Jwks, KeySource, Settings, SignatureAlgorithm};
pub use vault_access::{VaultDecision, VaultPrincipal, authorize_in_vault, explain_in_vault};

/// The capacity of each cache: verified access tokens, and verified certificates.
const CACHE_CAPACITY: usize = 10_000;

/// The credential of a request.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// No credential.
    None,
    /// An access token: a bearer token (RFC 6750), without the scheme.
    AccessToken(&'a str),
    /// A client certificate, DER, whose chain and private key TLS has verified.
    Certificate(&'a [u8]),
    /// The already verified credential of this request.
    Verified(&'a VerifiedCredential),
}

/// A verified credential, valid for the current request. Created only by [`Identity::verify`].
#[derive(Clone, Debug)]
pub struct VerifiedCredential(Arc<Caller>);

impl<'a> Credential<'a> {
    /// Returns the credential of a request, from the value of its `authorization` header and the certificate of its
    /// connection. The header takes precedence: proxies that authenticate by certificate forward the access tokens of
    /// their callers.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if there is a header without a bearer token.
    pub fn presented(authorization: Option<&'a [u8]>, certificate: Option<&'a [u8]>) -> Result<Self> {
        let Some(header) = authorization else {
            return Ok(certificate.map_or(Self::None, Self::Certificate));
        };
        let refused =
            Error::Unauthenticated { why: "the authorization header does not contain a bearer token" };
        let Ok(header) = std::str::from_utf8(header) else { return Err(refused) };
        match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Ok(Self::AccessToken(token.trim_matches(' ')))
            }
            _ => Err(refused),
        }
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::AccessToken(_) => "Bearer(…)",
            Self::Certificate(_) => "Certificate(…)",
            Self::Verified(_) => "Verified(…)",
        })
    }
}

/// An authenticated principal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The object id of the principal.
    pub principal: PrincipalId,
    /// The object ids of its groups, according to the credential.
    pub groups: Vec<PrincipalId>,
    /// The tenant of the principal.
    pub tenant: Uuid,
    /// Whether the simulator's authority issued the credential.
    pub from_simulator_authority: bool,
    /// The audiences for which the credential is valid.
    pub audiences: Vec<Audience>,
    /// The application: `appid` or `azp` of an access token, or the subject of a certificate.
    pub application: Option<String>,
    /// The user name: `upn` or `preferred_username` of an access token.
    pub user: Option<String>,
}

impl Caller {
    /// Returns the principal and its groups: all whose role assignments apply to the caller.
    pub fn principals(&self) -> Vec<PrincipalId> {
        std::iter::once(self.principal).chain(self.groups.iter().copied()).collect()
    }

    /// Checks that the credential is valid for an audience.
    ///
    /// # Errors
    /// `Unauthenticated`.
    pub fn require_audience(&self, audience: Audience) -> Result<()> {
        match self.audiences.contains(&audience) {
            true => Ok(()),
            false => Err(Error::Unauthenticated { why: access_token::OTHER_AUDIENCE }),
        }
    }

    /// Returns the fields of the caller in audit entries.
    pub fn record(&self) -> AuditCaller {
        AuditCaller {
            principal: self.principal,
            application: self.application.clone(),
            user: self.user.clone(),
        }
    }
}

/// Authenticates credentials. Cheap to clone; clones share their caches.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    issuers: access_token::Issuers,
    rules: client_certificate::Rules,
    revocation: Revocation,
    tokens: cache::Cache,
    // A cache of its own, so that the bytes of an access token can never match those of a certificate.
    certificates: cache::Cache,
    verifications: AtomicU64,
}

impl Identity {
    /// Validates the settings and fetches the issuers' keys. An issuer that cannot be reached is logged, and its keys
    /// are fetched when one of its access tokens is verified.
    ///
    /// # Errors
    /// [`ConfigError`], naming the setting, also if a key or CA file cannot be read.
    pub async fn new(settings: Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            inner: Arc::new(Inner {
                rules: client_certificate::Rules::new(settings.certificates, &settings.client_authorities)?,
                revocation: settings.revocation,
                issuers: access_token::Issuers::new(settings.issuers).await?,
                tokens: cache::Cache::new(CACHE_CAPACITY),
                certificates: cache::Cache::new(CACHE_CAPACITY),
                verifications: AtomicU64::new(0),
            }),
        })
    }

    /// Authenticates the caller. An access token must be for one of `audiences`; a certificate is valid for all.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], with a reason that contains no part of the credential.
    pub async fn authenticate(
        &self,
        credential: Credential<'_>,
        audiences: &[Audience],
    ) -> Result<Arc<Caller>> {
        let inner = &*self.inner;
        match credential {
            Credential::None => Err(Error::Unauthenticated { why: "the request carries no credential" }),
            Credential::AccessToken(token) => self.access_token(token, audiences).await,
            Credential::Certificate(der) => {
                let (lists, now) = (inner.revocation.current(), system_clock::unix_seconds());
                // Entries of other revocation lists do not apply any more.
                let generation = lists.as_ref().map_or(0, |lists| lists.generation);
                let digest = cache::digest(&[&generation.to_be_bytes(), der].concat());
                if let Some(caller) = inner.certificates.get(&digest, now) {
                    return Ok(caller);
                }
                inner.verifications.fetch_add(1, Ordering::Relaxed);
                let (caller, until) = inner.rules.verify(der, lists.as_deref(), now)?;
                Ok(remember(&inner.certificates, digest, caller, until, now))
            }
            Credential::Verified(VerifiedCredential(caller)) => require_audience(caller.clone(), audiences),
        }
    }

    /// Verifies a credential once for all uses in the same request.
    ///
    /// # Errors
    /// The same as [`authenticate`](Self::authenticate).
    pub async fn verify(
        &self,
        credential: Credential<'_>,
        audiences: &[Audience],
    ) -> Result<VerifiedCredential> {
        self.authenticate(credential, audiences).await.map(VerifiedCredential)
    }

    /// Returns the caller of an access token for one of `audiences`.
    async fn access_token(&self, token: &str, audiences: &[Audience]) -> Result<Arc<Caller>> {
        let inner = &*self.inner;
        if token.len() > access_token::LONGEST_TOKEN {
            return Err(Error::Unauthenticated { why: "the access token is longer than 16 KiB" });
        }
        let (digest, now) = (cache::digest(token.as_bytes()), system_clock::unix_seconds());
        let caller = match inner.tokens.get(&digest, now) {
            Some(caller) => caller,
            None => {
                inner.verifications.fetch_add(1, Ordering::Relaxed);
                let (caller, until) = inner.issuers.verify(token).await?;
                remember(&inner.tokens, digest, caller, until, now)
            }
        };
        require_audience(caller, audiences)
    }

    /// Returns how many credentials were verified, rather than found in a cache, since the start.
    pub fn verifications(&self) -> u64 {
        self.inner.verifications.load(Ordering::Relaxed)
    }
}

/// Returns the caller if its credential is for one of `audiences`.
fn require_audience(caller: Arc<Caller>, audiences: &[Audience]) -> Result<Arc<Caller>> {
    if audiences.iter().any(|audience| caller.audiences.contains(audience)) {
        Ok(caller)
    } else {
        Err(Error::Unauthenticated { why: access_token::OTHER_AUDIENCE })
    }
}

fn remember(
    cache: &cache::Cache,
    digest: cache::Digest,
    caller: Caller,
    until: u64,
    now: u64,
) -> Arc<Caller> {
    let caller = Arc::new(caller);
    cache.put(digest, caller.clone(), until, now);
    caller
}
