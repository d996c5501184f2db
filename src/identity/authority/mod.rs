//! The built-in token issuer of the simulator: registered applications, their secrets, and tokens in the form
//! Entra ID gives to applications.
//!
//! How secrets survive a crash: they are known to whoever registers, here only as hashes. Keep each secret that
//! [`Authority::register`] returns and hand it in at the next start; whatever was lost in between, both sides agree
//! again afterwards.

mod audience;
mod clients;
mod discovery;
mod host;
mod refusal;
mod token;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use secrecy::SecretString;
use serde::Serialize;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::ids::Ids;
use crate::model::name::PrincipalId;
use crate::model::{Error, Result};

use super::{Jwks, files, machine_clock};
use audience::Audiences;
use clients::Clients;
pub use host::HostAndPort;

/// The lifetime of Entra ID's tokens for applications, as it reports it.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(3599);

/// What an authority issues.
#[derive(Clone, Debug)]
pub struct AuthoritySettings {
    /// The one tenant there is.
    pub tenant: Uuid,
    /// `iss` of every token. It depends on no host and port, so that tokens outlive a change of either.
    pub issuer: String,
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
    signing_key: EncodingKey,
    public_key: Jwk,
    key_id: String,
    clients: Clients,
}

/// The claims of a token for an application, in the v1 form that Managed HSM's audience gets.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    appid: Uuid,
    /// `1`: the application showed a client secret.
    appidacr: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: &'a [PrincipalId],
    idp: &'a str,
    idtyp: &'static str,
    oid: PrincipalId,
    sub: PrincipalId,
    tid: Uuid,
    uti: String,
    ver: &'static str,
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
        let audiences = Audiences::new(&settings.audiences);
        Ok(Self { settings, audiences, signing_key, public_key, key_id, clients })
    }

    /// Registers an application, or brings its registration up to date, and returns its secret.
    ///
    /// `secret` is the one that was returned before, if it is still known; it stays or becomes valid. Without
    /// it the application gets a new one, and an older one is no longer valid. Written before it returns.
    ///
    /// # Errors
    /// [`Error::Internal`] if the registration cannot be written; then nothing has changed.
    pub fn register(&self, client: Client, secret: Option<SecretString>) -> Result<SecretString> {
        let secret = secret.map_or_else(clients::new_secret, Ok)?;
        self.clients.put(client, &secret)?;
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
        self.sign(&client, audience, lifetime)
    }

    /// The routes of a security token service for this authority. They answer under any host name, and all
    /// URLs they give carry the one they were asked by.
    pub fn router(self: Arc<Self>) -> Router {
        discovery::routes().merge(token::routes()).with_state(self)
    }

    fn sign(&self, client: &Client, audience: &str, lifetime: i64) -> Result<String> {
        let now = i64::try_from(machine_clock::unix_seconds()).unwrap_or(i64::MAX);
        let expires = now.saturating_add(lifetime);
        // A token that has expired was valid once.
        let issued = now.min(expires.saturating_sub(1));
        let claims = Claims {
            aud: audience,
            iss: &self.settings.issuer,
            iat: issued,
            nbf: issued,
            exp: expires,
            appid: client.client_id,
            appidacr: "1",
            groups: &client.groups,
            idp: &self.settings.issuer,
            idtyp: "app",
            oid: client.object_id,
            sub: client.object_id,
            tid: self.settings.tenant,
            uti: URL_SAFE_NO_PAD.encode(Ids.guid().as_bytes()),
            ver: "1.0",
        };
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, &claims, &self.signing_key).map_err(Error::internal)
    }

    /// Whether the first part of a path means our tenant: by its GUID, or by one of the names that stand for
    /// "any" with the real service. `adfs` lets clients do without instance discovery.
    fn knows_tenant(&self, segment: &str) -> bool {
        matches!(segment, "adfs" | "common" | "organizations")
            || Uuid::parse_str(segment).is_ok_and(|tenant| tenant == self.settings.tenant)
    }
}
