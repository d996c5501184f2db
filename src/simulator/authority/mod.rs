//! The simulator's authority, a subset of Entra ID: registered applications, the client credentials flow, managed
//! identities, discovery, and a directory.
//!
//! The authority stores only hashes of secrets. Callers of [`Authority::register`] store the returned secret and pass
//! it to `register` at the next start, which restores a registration that a crash lost.

mod assertion;
mod audience;
mod certificate;
mod claims;
mod clients;
mod console;
mod discovery;
mod graph;
mod host;
mod managed_identity;
mod refusal;
mod self_signed;
mod token;
mod token_request;

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

use crate::config::{ConfigError, GRAPH_HOST};
use crate::engine::Engine;
use crate::identity::{Jwks, system_clock};
use crate::model::name::PrincipalId;
use crate::model::{Error, Field, Result};
use crate::server::files;

use super::SetupError;
use audience::Audiences;
pub use certificate::ClientCertificate;
use claims::{Claims, ClientAuthentication, Recipients};
use clients::{Clients, new_secret};
pub use console::ConsoleTokens;
pub use managed_identity::{ManagedIdentities, ManagedIdentity};
pub use self_signed::ensure as ensure_certificate;

pub use crate::config::AccessTokenVersion;

/// The settings of an authority.
#[derive(Clone, Debug)]
pub struct AuthoritySettings {
    /// The only tenant.
    pub tenant: Uuid,
    /// `iss` of v1 access tokens. Independent of host and port, so that tokens remain valid if these change.
    pub issuer: String,
    /// `iss` of v2 access tokens: the URL below which verifiers find the metadata of the first host.
    pub issuer_v2: String,
    /// The version of the issued access tokens.
    pub access_token_version: AccessTokenVersion,
    /// The hosts of the authority, without ports.
    pub hosts: Vec<String>,
    /// The resources for which access tokens may be requested, as URLs without ports. Ports and one trailing slash in
    /// requests are ignored.
    pub audiences: Vec<String>,
    /// The lifetime of access tokens, in whole seconds.
    pub lifetime: Duration,
}

/// A registered application with its service principal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// The display name.
    pub name: String,
    /// The object id of the service principal: `oid` in its access tokens.
    pub object_id: PrincipalId,
    /// The application (client) id: `appid` in its access tokens.
    pub client_id: Uuid,
    /// The groups of the service principal.
    pub groups: Vec<PrincipalId>,
}

/// The authority: a signing key, and the registered applications.
pub struct Authority {
    settings: AuthoritySettings,
    audiences: Audiences,
    /// The subset of `audiences` that Microsoft Graph accepts.
    directory_audiences: Audiences,
    signing_key: EncodingKey,
    verifying_key: DecodingKey,
    public_key: Jwk,
    key_id: String,
    clients: Clients,
    /// Records access token requests; empty until the service is open.
    engine: OnceLock<Engine>,
}

impl Authority {
    /// Opens the authority in `directory`, and generates an RSA-2048 signing key (mode 0600) if it has none.
    ///
    /// # Errors
    /// [`SetupError::Setting`] if a setting is invalid; [`SetupError::Failed`] if files cannot be read or written, or are
    /// damaged.
    pub fn open(directory: &Path, settings: AuthoritySettings) -> Result<Self, SetupError> {
        if settings.lifetime.as_secs() == 0 {
            return Err(ConfigError::new("lifetime: must be at least one second").into());
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
        // The cause is omitted, because it might quote the key.
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
            engine: OnceLock::new(),
        })
    }

    /// Registers an application, or updates its registration, and returns its secret.
    ///
    /// `secret` is the one returned earlier, if the caller has it; it is valid afterwards. Without it, a new secret
    /// replaces the old one. `certificates` replaces the registered certificates. The registration is durable when this
    /// returns.
    ///
    /// # Errors
    /// [`Error::Internal`] if the registration cannot be written; it is unchanged then.
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

    /// Returns the key set that verifies the access tokens of this authority.
    pub fn jwks(&self) -> Jwks {
        Jwks { keys: vec![self.public_key.clone()] }
    }

    /// Issues an access token for a registered application without authentication, for any audience. `lifetime` is in
    /// seconds; if it is negative, the access token has already expired.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the application is not registered.
    pub fn issue(&self, client_id: Uuid, audience: &str, lifetime: i64) -> Result<String> {
        let client = self
            .clients
            .get(client_id)
            .ok_or_else(|| Error::invalid(Field::ClientId, "no application is registered under this id"))?;
        self.sign(&client, ClientAuthentication::Secret, Recipients::One(audience), lifetime)
    }

    /// From now on, adds each access token request to the audit log, before its response is sent. Later calls have no
    /// effect.
    pub fn record_in(&self, engine: Engine) {
        let _ = self.engine.set(engine);
    }

    /// Returns the routes of the token service and of the directory. They accept any host, and URLs in responses have
    /// the host of the request.
    pub fn router(self: Arc<Self>) -> Router {
        let recorded = middleware::from_fn_with_state(Arc::clone(&self), token_request::record);
        discovery::routes()
            .merge(token::routes().route_layer(recorded))
            .merge(graph::routes())
            .with_state(self)
    }

    fn sign(
        &self,
        client: &Client,
        proof: ClientAuthentication<'_>,
        audience: Recipients<'_>,
        lifetime: i64,
    ) -> Result<String> {
        let now = i64::try_from(system_clock::unix_seconds()).unwrap_or(i64::MAX);
        let until = now.saturating_add(lifetime);
        // The validity of an already expired access token lies in the past, but is not empty.
        let from = now.min(until.saturating_sub(1));
        let claims = Claims::new(&self.settings, client, proof, audience, (from, until));
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, &claims, &self.signing_key).map_err(Error::internal)
    }

    /// Whether this is a host of the authority, without port.
    fn is_own_host(&self, host: &str) -> bool {
        self.settings.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }

    /// Whether the first segment of a path is the tenant: its GUID, or one of the aliases for any tenant. With `adfs`,
    /// clients skip instance discovery.
    fn knows_tenant(&self, segment: &str) -> bool {
        matches!(segment, "adfs" | "common" | "organizations")
            || Uuid::parse_str(segment).is_ok_and(|tenant| tenant == self.settings.tenant)
    }
}
