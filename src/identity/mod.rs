//! Who is calling, and may they? Turns credentials into callers, and callers, actions and scopes into yes or no.
//!
//! A bearer token is believed if its issuer is configured, and then for exactly the audiences and the tenant that
//! are configured with it. Verified tokens are remembered until they expire or the keys are too old, so a signing key
//! that its issuer withdraws stops new tokens at once and known ones then.
//! Groups are those the token lists: where Entra ID leaves them out because there are too many (`_claim_names`),
//! they are not looked up, and what only a group grants is refused.
//! A client certificate is believed if TLS verified it, no list revokes it, and a rule names it.

pub mod authority;
pub mod certificates;
pub mod files;

mod access;
mod audience;
mod bearer;
mod cache;
mod client_certificate;
mod constraints;
mod issuing;
mod keys;
mod machine_clock;
mod revocation;
mod settings;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::model::entry::CallerRecord;
use crate::model::name::PrincipalId;
use crate::model::{Error, Result};

pub use crate::model::audience::Audience;
pub use access::{Decision, authorize, explain, granting};
pub use revocation::Revocation;
pub use settings::{CertificateRule, Issuer, Jwks, KeySource, Settings, SignatureAlgorithm};

/// How many verified tokens, and how many verified certificates, are remembered.
const CACHE_CAPACITY: usize = 10_000;

/// What arrived; not yet believed.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// Nothing.
    None,
    /// A bearer token (RFC 6750), without the scheme.
    Bearer(&'a str),
    /// The client certificate, as DER, whose chain and private key TLS has verified.
    Certificate(&'a [u8]),
    /// A credential of this request that was verified before.
    Verified(&'a Verified),
}

/// A credential that was verified, for the rest of its request. Only [`Identity::verify`] makes one.
#[derive(Clone, Debug)]
pub struct Verified(Arc<Caller>);

impl<'a> Credential<'a> {
    /// The credential of a request: the value of its `authorization` header, and the certificate of its
    /// connection. If there are both, the header decides: gateways that identify themselves by certificate pass
    /// their callers' tokens on.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if there is a header, and it is not a bearer token.
    pub fn presented(authorization: Option<&'a [u8]>, certificate: Option<&'a [u8]>) -> Result<Self> {
        let Some(header) = authorization else {
            return Ok(certificate.map_or(Self::None, Self::Certificate));
        };
        let refused = Error::Unauthenticated { why: "the authorization header does not hold a bearer token" };
        let Ok(header) = std::str::from_utf8(header) else { return Err(refused) };
        match header.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Ok(Self::Bearer(token.trim_matches(' ')))
            }
            _ => Err(refused),
        }
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bearer(_) => "Bearer(…)",
            Self::Certificate(_) => "Certificate(…)",
            Self::Verified(_) => "Verified(…)",
        })
    }
}

/// An authenticated principal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The object id.
    pub principal: PrincipalId,
    /// Object ids of the groups the credential says it is a member of.
    pub groups: Vec<PrincipalId>,
    /// The tenant.
    pub tenant: Uuid,
    /// Whether the simulator's own authority issued the credential.
    pub of_own_authority: bool,
    /// What the credential is meant for.
    pub audiences: Vec<Audience>,
    /// The application: `appid` or `azp` of a token, the subject of a certificate.
    pub application: Option<String>,
    /// The user name: `upn` or `preferred_username` of a token.
    pub user: Option<String>,
}

impl Caller {
    /// Everybody whose roles count: the principal, then its groups.
    pub fn principals(&self) -> Vec<PrincipalId> {
        std::iter::once(self.principal).chain(self.groups.iter().copied()).collect()
    }

    /// What the audit says of this caller.
    pub fn record(&self) -> CallerRecord {
        CallerRecord {
            principal: self.principal,
            application: self.application.clone(),
            user: self.user.clone(),
        }
    }
}

/// Turns credentials into callers. Cheap to clone; clones share what they remember.
#[derive(Clone)]
pub struct Identity {
    inner: Arc<Inner>,
}

struct Inner {
    issuers: bearer::Issuers,
    rules: client_certificate::Rules,
    revocation: Revocation,
    tokens: cache::Cache,
    // Apart from the tokens, so that no token can be mistaken for a certificate, whatever its bytes are.
    certificates: cache::Cache,
    verifications: AtomicU64,
}

impl Identity {
    /// Checks the settings and fetches the issuers' keys. An issuer that cannot be reached is reported in the
    /// log and asked again when a token of it arrives.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the setting; also for a key or CA file that cannot be read.
    pub async fn new(settings: Settings) -> Result<Self> {
        Ok(Self {
            inner: Arc::new(Inner {
                rules: client_certificate::Rules::new(settings.certificates, &settings.client_authorities)?,
                revocation: settings.revocation,
                issuers: bearer::Issuers::new(settings.issuers).await?,
                tokens: cache::Cache::new(CACHE_CAPACITY),
                certificates: cache::Cache::new(CACHE_CAPACITY),
                verifications: AtomicU64::new(0),
            }),
        })
    }

    /// Establishes who is calling. A token must be meant for one of `audiences`; a certificate is meant for all.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], with a reason that quotes nothing of the credential.
    pub async fn authenticate(
        &self,
        credential: Credential<'_>,
        audiences: &[Audience],
    ) -> Result<Arc<Caller>> {
        let inner = &*self.inner;
        match credential {
            Credential::None => Err(Error::Unauthenticated { why: "the request carries no credential" }),
            Credential::Bearer(token) => self.bearer(token, audiences).await,
            Credential::Certificate(der) => {
                let (lists, now) = (inner.revocation.current(), machine_clock::unix_seconds());
                // What was decided by other lists is decided again.
                let generation = lists.as_ref().map_or(0, |lists| lists.generation);
                let digest = cache::digest(&[&generation.to_be_bytes(), der].concat());
                if let Some(caller) = inner.certificates.get(&digest, now) {
                    return Ok(caller);
                }
                inner.verifications.fetch_add(1, Ordering::Relaxed);
                let (caller, until) = inner.rules.verify(der, lists.as_deref(), now)?;
                Ok(remember(&inner.certificates, digest, caller, until, now))
            }
            Credential::Verified(Verified(caller)) => meant(caller.clone(), audiences),
        }
    }

    /// Verifies a credential, so that it is not verified again for the same request.
    ///
    /// # Errors
    /// As [`authenticate`](Self::authenticate).
    pub async fn verify(&self, credential: Credential<'_>, audiences: &[Audience]) -> Result<Verified> {
        self.authenticate(credential, audiences).await.map(Verified)
    }

    /// Who a token says is calling, where it is meant for one of these audiences.
    async fn bearer(&self, token: &str, audiences: &[Audience]) -> Result<Arc<Caller>> {
        let inner = &*self.inner;
        if token.len() > bearer::LONGEST_TOKEN {
            return Err(Error::Unauthenticated { why: "the token is longer than 16 KiB" });
        }
        let (digest, now) = (cache::digest(token.as_bytes()), machine_clock::unix_seconds());
        let caller = match inner.tokens.get(&digest, now) {
            Some(caller) => caller,
            None => {
                inner.verifications.fetch_add(1, Ordering::Relaxed);
                let (caller, until) = inner.issuers.verify(token).await?;
                remember(&inner.tokens, digest, caller, until, now)
            }
        };
        meant(caller, audiences)
    }

    /// How many credentials were examined because they were not remembered, since the start.
    pub fn verifications(&self) -> u64 {
        self.inner.verifications.load(Ordering::Relaxed)
    }
}

/// The caller, where its credential is meant for one of these audiences.
fn meant(caller: Arc<Caller>, audiences: &[Audience]) -> Result<Arc<Caller>> {
    if audiences.iter().any(|audience| caller.audiences.contains(audience)) {
        Ok(caller)
    } else {
        Err(Error::Unauthenticated { why: bearer::OTHER_AUDIENCE })
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
