//! The signing keys of issuers: fetched, cached, and fetched again when an access token names an unknown key.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use serde::Deserialize;

use crate::config::ConfigError;

use super::{Issuer, KeySource, SignatureAlgorithm};

/// The minimum time between two fetches from an issuer, however many access tokens name unknown keys.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(10);
/// Keys older than this, or than half their maximum age, are fetched again in the background, so that revoked keys are
/// dropped.
const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);
/// The timeout of a request to an issuer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The maximum size of a key set, in bytes.
const LONGEST_SET: usize = 1 << 20;

/// A public key that verifies access tokens.
pub(super) struct SigningKey {
    id: Option<String>,
    algorithm: SignatureAlgorithm,
    /// The key, in the form that `jsonwebtoken` needs.
    pub(super) key: DecodingKey,
}

/// The result of one fetch.
pub(super) struct SigningKeys {
    keys: Vec<SigningKey>,
    fetched: Instant,
}

impl SigningKeys {
    /// Returns the keys that may have signed a token: those of the algorithm, and with the key id if the token names
    /// one.
    pub(super) fn candidates(
        &self,
        id: Option<&str>,
        algorithm: SignatureAlgorithm,
    ) -> impl Iterator<Item = &SigningKey> {
        self.keys
            .iter()
            .filter(move |key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id))
    }
}

/// The cached keys of one issuer, and their source.
pub(super) struct KeyRing {
    issuer: String,
    source: Source,
    /// The maximum age of keys that are still valid.
    max_age: Duration,
    current: RwLock<Arc<SigningKeys>>,
    /// Locked during a fetch; the time of the last attempt.
    attempt: tokio::sync::Mutex<Option<Instant>>,
}

enum Source {
    File(std::path::PathBuf),
    Url { client: reqwest::Client, url: reqwest::Url },
    Static,
}

impl KeyRing {
    /// Opens the source and fetches the keys. An issuer that does not answer is only logged.
    ///
    /// # Errors
    /// For an invalid source.
    pub(super) async fn new(settings: &Issuer) -> Result<Arc<Self>, ConfigError> {
        let issuer = settings.issuer.as_str();
        let wrong = |why: String| ConfigError::new(format!("identity.issuers: issuer {issuer}: {why}"));
        let (ca_file, proxy) = (settings.ca_file.as_deref(), settings.proxy.as_deref());
        if (ca_file.is_some() || proxy.is_some()) && !matches!(settings.keys, KeySource::JwksUrl(_)) {
            return Err(wrong("ca_file and proxy require jwks_url".into()));
        }
        let (source, keys) = match &settings.keys {
            KeySource::Static(set) => (Source::Static, set.keys.iter().filter_map(usable).collect()),
            KeySource::JwksFile(path) => {
                let source = Source::File(path.clone());
                let keys = source.fetch().await.map_err(wrong)?;
                (source, keys)
            }
            KeySource::JwksUrl(url) => {
                let source = Source::url(url, ca_file, proxy).await.map_err(wrong)?;
                let keys = source.fetch().await.unwrap_or_else(|why| {
                    tracing::warn!(issuer, why, "cannot fetch the issuer's signing keys yet");
                    Vec::new()
                });
                (source, keys)
            }
        };
        Ok(Arc::new(Self {
            issuer: issuer.to_owned(),
            source,
            max_age: Duration::from_secs(settings.keys_max_age_seconds),
            current: RwLock::new(Arc::new(SigningKeys { keys, fetched: Instant::now() })),
            attempt: tokio::sync::Mutex::new(None),
        }))
    }

    /// Returns the current keys. Old keys are refreshed in the background, keys beyond their maximum age before this
    /// returns.
    pub(super) async fn current(self: &Arc<Self>) -> Arc<SigningKeys> {
        let keys = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        if matches!(self.source, Source::Static) {
            return keys;
        }
        if self.remaining_seconds(&keys).is_none() {
            return self.newer_than(&keys).await;
        }
        if keys.fetched.elapsed() > LONGEST_INTERVAL.min(self.max_age / 2) {
            drop(tokio::spawn(self.clone().refresh(keys.clone())));
        }
        keys
    }

    /// Returns for how many more seconds these keys are valid, or `None` if they are too old.
    pub(super) fn remaining_seconds(&self, keys: &SigningKeys) -> Option<u64> {
        match self.source {
            Source::Static => Some(u64::MAX),
            _ => self.max_age.checked_sub(keys.fetched.elapsed()).map(|left| left.as_secs()),
        }
    }

    /// Returns keys newer than `seen` if a fetch is permitted now and succeeds, otherwise the current keys.
    ///
    /// The fetch runs in its own task: otherwise callers that disconnect early could prevent the refresh of an issuer's
    /// keys.
    pub(super) async fn newer_than(self: &Arc<Self>, seen: &Arc<SigningKeys>) -> Arc<SigningKeys> {
        if matches!(self.source, Source::Static) {
            return seen.clone();
        }
        tokio::spawn(self.clone().refresh(seen.clone())).await.unwrap_or_else(|_| seen.clone())
    }

    async fn refresh(self: Arc<Self>, seen: Arc<SigningKeys>) -> Arc<SigningKeys> {
        let mut attempt = self.attempt.lock().await;
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        // Another task refreshed the keys meanwhile, or the minimum interval has not passed.
        if !Arc::ptr_eq(&current, &seen) || attempt.is_some_and(|last| last.elapsed() < SHORTEST_INTERVAL) {
            return current;
        }
        *attempt = Some(Instant::now());
        match self.source.fetch().await {
            Ok(keys) => {
                let keys = Arc::new(SigningKeys { keys, fetched: Instant::now() });
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = keys.clone();
                keys
            }
            Err(why) => {
                tracing::warn!(
                    issuer = self.issuer,
                    why,
                    "cannot refresh the issuer's signing keys; keeping the current ones"
                );
                current
            }
        }
    }
}

impl Source {
    async fn url(url: &str, ca_file: Option<&Path>, proxy: Option<&str>) -> Result<Self, String> {
        let url = reqwest::Url::parse(url).map_err(|error| format!("jwks_url: {error}"))?;
        let is_loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
            return Err("jwks_url must be https (http is accepted for loopback addresses only)".into());
        }
        // Proxies of the environment are ignored: they could redirect requests to an issuer without a configuration
        // change.
        let mut builder = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        if let Some(proxy) = proxy {
            let proxy = reqwest::Proxy::all(proxy).map_err(|error| format!("proxy: {error}"))?;
            if !is_loopback {
                builder = builder.proxy(proxy);
            }
        }
        if let Some(path) = ca_file {
            let pem = tokio::fs::read(path).await.map_err(|error| format!("{}: {error}", path.display()))?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            if authorities.is_empty() {
                return Err(format!("{} contains no certificate", path.display()));
            }
            builder = builder.tls_certs_only(authorities);
        }
        let client = builder.build().map_err(|error| format!("the HTTP client: {error}"))?;
        Ok(Self::Url { client, url })
    }

    async fn fetch(&self) -> Result<Vec<SigningKey>, String> {
        match self {
            Self::File(path) => {
                let wrong = |why: String| format!("jwks_file {}: {why}", path.display());
                let bytes = tokio::fs::read(path).await.map_err(|error| wrong(error.to_string()))?;
                parse(&bytes).map_err(wrong)
            }
            Self::Url { client, url } => parse(&download(client, url).await?),
            Self::Static => Err("static keys cannot be fetched".into()),
        }
    }
}

async fn download(client: &reqwest::Client, url: &reqwest::Url) -> Result<Vec<u8>, String> {
    // Appends the sources: the last one has the cause, such as "connection refused" or "unknown issuer".
    let explain = |error: reqwest::Error| {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    };
    let mut response = client.get(url.clone()).send().await.map_err(explain)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(format!("{url} answered {}", response.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(explain)? {
        if bytes.len() + chunk.len() > LONGEST_SET {
            return Err(format!("{url} answered with more than {LONGEST_SET} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Parses a key set. Keys of other types and uses are ignored; a set without a usable key is an error, so that an error
/// page in JSON does not replace valid keys.
fn parse(bytes: &[u8]) -> Result<Vec<SigningKey>, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<serde_json::Value>,
    }
    let set: Set =
        serde_json::from_slice(bytes).map_err(|error| format!("not a JSON Web Key Set: {error}"))?;
    let keys: Vec<_> = set
        .keys
        .into_iter()
        .filter_map(|key| serde_json::from_value::<Jwk>(key).ok())
        .filter_map(|key| usable(&key))
        .collect();
    if keys.is_empty() { Err("the key set contains no RSA or P-256 signing key".into()) } else { Ok(keys) }
}

fn usable(jwk: &Jwk) -> Option<SigningKey> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => SignatureAlgorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            SignatureAlgorithm::ES256
        }
        _ => return None,
    };
    let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let for_algorithm = jwk
        .common
        .key_algorithm
        .is_none_or(|stated| stated == jsonwebtoken::Algorithm::from(algorithm).into());
    if !for_signatures || !for_algorithm {
        return None;
    }
    Some(SigningKey { id: jwk.common.key_id.clone(), algorithm, key: DecodingKey::from_jwk(jwk).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignores_jwks_keys_that_cannot_sign() {
        let usable = |text: &str| parse(text.as_bytes()).map(|keys| keys.len()).ok();
        let rsa = r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"a"}"#;
        assert_eq!(usable(&format!(r#"{{"keys":[{rsa}]}}"#)), Some(1));
        let rest = r#"{"kty":"oct","k":"AQAB"},{"kty":"EC","crv":"P-384","x":"AQAB","y":"AQAB"},{"kty":"XYZ"},7,
            {"kty":"RSA","n":"AQAB","e":"AQAB","use":"enc"},{"kty":"RSA","n":"AQAB","e":"AQAB","alg":"RS512"}"#;
        assert_eq!(usable(&format!(r#"{{"keys":[{rest},{rsa}]}}"#)), Some(1));
        assert_eq!(usable(&format!(r#"{{"keys":[{rest}]}}"#)), None);
        assert_eq!(usable(r#"{"keys":[]}"#), None);
        assert_eq!(usable("<html>"), None);
    }
}
