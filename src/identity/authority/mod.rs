//! The built-in token issuer of the simulator: registered applications, their secrets and certificates, tokens in the
//! forms Entra ID gives to applications, and what clients ask of Entra ID besides.
//!
//! How secrets survive a crash: they are known to whoever registers, here only as hashes. Keep each secret that
//! [`Authority::register`] returns and hand it in at the next start; whatever was lost in between, both sides agree
//! again afterwards.

mod assertion;
mod attempt;
mod audience;
mod certificate;
mod claims;
mod clients;
mod discovery;
mod graph;
mod host;
mod managed_identity;
mod refusal;
mod self_signed;
mod token;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::{Router, middleware};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use secrecy::SecretString;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::model::name::PrincipalId;
use crate::model::{Error, Result};

use super::{Jwks, files, machine_clock};
pub use attempt::{Attempt, Recorder};
use audience::Audiences;
pub use certificate::ClientCertificate;
use claims::{Claims, Proof};
use clients::{Clients, new_secret};
pub use graph::GRAPH_HOST;
pub use host::HostAndPort;
pub use managed_identity::{ManagedIdentities, ManagedIdentity};
pub use self_signed::ensure as ensure_certificate;

pub use crate::config::AccessTokenVersion;

/// The lifetime of Entra ID's tokens for applications, as it reports it.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(3599);

/// What an authority issues.
#[derive(Clone, Debug)]
pub struct AuthoritySettings {
    /// The one tenant there is.
    pub tenant: Uuid,
    /// `iss` of tokens of the v1 form. It depends on no host and port, so that tokens outlive a change of either.
    pub issuer: String,
    /// `iss` of tokens of the v2 form: where the metadata of the first host is, for verifiers who look there.
    pub issuer_v2: String,
    /// The form of the tokens that are issued.
    pub access_token_version: AccessTokenVersion,
    /// The hosts it answers under, without ports.
    pub hosts: Vec<String>,
    /// What tokens may be asked for, as URLs without ports; with a port, or one slash more or less at the end, the
    /// same is meant.
    pub audiences: Vec<String>,
    /// How long a token is valid; whole seconds.
    pub lifetime: Duration,
}

/// An application that may ask for tokens, with the service principal that stands for it in the tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// The name people read.
    pub name: String,
    /// The service principal's object id: `oid` in its tokens.
    pub object_id: PrincipalId,
    /// The application's id: `appid` in its tokens.
    pub client_id: Uuid,
    /// The groups it is a member of.
    pub groups: Vec<PrincipalId>,
}

/// The issuer: a signing key, and the registered applications.
pub struct Authority {
    settings: AuthoritySettings,
    audiences: Audiences,
    /// Those of them that the directory believes.
    directory_audiences: Audiences,
    signing_key: EncodingKey,
    verifying_key: DecodingKey,
    public_key: Jwk,
    key_id: String,
    clients: Clients,
    recorder: OnceLock<Arc<dyn Recorder>>,
}

impl Authority {
    /// Opens the authority kept in `directory`, with a new RSA-2048 signing key (mode 0600) if it has none.
    ///
    /// # Errors
    /// [`Error::Invalid`] for settings that cannot work; [`Error::Internal`] for files that cannot be read or
    /// written, or are damaged.
    pub fn open(directory: &Path, settings: AuthoritySettings) -> Result<Self> {
        if settings.lifetime.as_secs() == 0 {
            return Err(Error::invalid("lifetime", "a token is valid for a second or more"));
        }
        files::make_private_directory(directory)?;
        let path = directory.join("signing-key.pem");
        let pem = match files::read(&path)? {
            Some(pem) => pem,
            None => {
                let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
                    .map_err(Error::internal)?;
                let pem = Zeroizing::new(key.serialize_pem().into_bytes());
                files::write(&path, &pem, files::PRIVATE)?;
                pem
            }
        };
        // What is wrong with it is not said: the library might quote it.
        let damaged = || Error::internal(format!("{}: not an RSA private key", path.display()));
        let signing_key = EncodingKey::from_rsa_pem(&pem).map_err(|_| damaged())?;
        let mut public_key = Jwk::from_encoding_key(&signing_key, Algorithm::RS256).map_err(|_| damaged())?;
        let key_id = public_key.thumbprint(ThumbprintHash::SHA256).map_err(Error::internal)?;
        public_key.common.key_id = Some(key_id.clone());
        public_key.common.public_key_use = Some(PublicKeyUse::Signature);
        let clients = Clients::open(&directory.join("clients.json"))?;
        let directories = settings.hosts.iter().map(String::as_str).chain([GRAPH_HOST]);
        let directories: Vec<String> = directories.map(|host| format!("https://{host}")).collect();
        let audiences = Audiences::new(settings.audiences.iter().chain(&directories));
        let directory_audiences = Audiences::new(&directories);
        let verifying_key = DecodingKey::from_jwk(&public_key).map_err(|_| damaged())?;
        Ok(Self {
            settings,
            audiences,
            directory_audiences,
            signing_key,
            verifying_key,
            public_key,
            key_id,
            clients,
            recorder: OnceLock::new(),
        })
    }

    /// Registers an application, or brings its registration up to date, and returns its secret.
    ///
    /// `secret` is the one that was returned before, if it is still known; it stays or becomes valid. Without
    /// it the application gets a new one, and an older one is no longer valid. `certificates` are those by which it may
    /// sign in as well, and no others. Written before it returns.
    ///
    /// # Errors
    /// [`Error::Internal`] if the registration cannot be written; then nothing has changed.
    pub fn register(
        &self,
        client: Client,
        secret: Option<SecretString>,
        certificates: Vec<ClientCertificate>,
    ) -> Result<SecretString> {
        let secret = secret.map_or_else(new_secret, Ok)?;
        self.clients.put(client, &secret, certificates)?;
        Ok(secret)
    }

    /// The key that verifies this authority's tokens.
    pub fn jwks(&self) -> Jwks {
        Jwks { keys: vec![self.public_key.clone()] }
    }

    /// Makes a token for a registered application, without asking for its secret. `lifetime` is in seconds;
    /// with a negative one the token expired that long ago.
    ///
    /// # Errors
    /// [`Error::Invalid`] if no application has that id. Any audience is possible here.
    pub fn issue(&self, client_id: Uuid, audience: &str, lifetime: i64) -> Result<String> {
        let client = self
            .clients
            .get(client_id)
            .ok_or_else(|| Error::invalid("client_id", "no application is registered under this id"))?;
        self.sign(&client, Proof::Secret, audience, lifetime)
    }

    /// Has each request for a token recorded before it is answered, from now on. The first recorder stays.
    pub fn record_with(&self, recorder: Arc<dyn Recorder>) {
        let _ = self.recorder.set(recorder);
    }

    fn recorder(&self) -> Option<Arc<dyn Recorder>> {
        self.recorder.get().cloned()
    }

    /// The routes of a security token service for this authority, and of its directory. They answer under any host
    /// name, and all URLs they give carry the one they were asked by.
    pub fn router(self: Arc<Self>) -> Router {
        let recorded = middleware::from_fn_with_state(Arc::clone(&self), attempt::record);
        discovery::routes()
            .merge(token::routes().route_layer(recorded))
            .merge(graph::routes())
            .with_state(self)
    }

    fn sign(&self, client: &Client, proof: Proof<'_>, audience: &str, lifetime: i64) -> Result<String> {
        let now = i64::try_from(machine_clock::unix_seconds()).unwrap_or(i64::MAX);
        let until = now.saturating_add(lifetime);
        // A token that has expired was valid once.
        let from = now.min(until.saturating_sub(1));
        let claims = Claims::new(&self.settings, client, proof, audience, (from, until));
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, &claims, &self.signing_key).map_err(Error::internal)
    }

    /// Whether a host, without its port, is one we answer under.
    fn is_our_host(&self, host: &str) -> bool {
        self.settings.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }

    /// Whether the first part of a path means our tenant: by its GUID, or by one of the names that stand for
    /// "any" with the real service. `adfs` lets clients do without instance discovery.
    fn knows_tenant(&self, segment: &str) -> bool {
        matches!(segment, "adfs" | "common" | "organizations")
            || Uuid::parse_str(segment).is_ok_and(|tenant| tenant == self.settings.tenant)
    }
}
