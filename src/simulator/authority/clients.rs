//! The registered applications, with the hashes of their secrets and their certificates.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::model::name::PrincipalId;
use crate::model::{Error, Result};
use crate::server::files;

use super::Client;
use super::certificate::ClientCertificate;

/// The registrations, in memory and in a file (mode 0600).
pub(super) struct Clients {
    path: PathBuf,
    registered: RwLock<BTreeMap<Uuid, Registration>>,
}

/// The registration of one application.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    name: String,
    object_id: PrincipalId,
    groups: Vec<PrincipalId>,
    /// The SHA-256 digest of the secret, base64url. A password hash is not needed, since secrets are 32 random bytes.
    secret_sha256: String,
    #[serde(default)]
    certificates: Vec<ClientCertificate>,
}

impl Clients {
    /// Reads the registrations from a file, if it exists.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let registered = match files::read(path)? {
            None => BTreeMap::new(),
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| Error::internal_caused_by(path.display().to_string(), error))?,
        };
        Ok(Self { path: path.to_owned(), registered: RwLock::new(registered) })
    }

    /// Adds or replaces a registration; the file is written first.
    pub(super) fn put(
        &self,
        client: Client,
        secret: &SecretString,
        certificates: Vec<ClientCertificate>,
    ) -> Result<()> {
        let registration = Registration {
            name: client.name,
            object_id: client.object_id,
            groups: client.groups,
            secret_sha256: hash(secret.expose_secret()),
            certificates,
        };
        let mut registered = self.registered.write().unwrap_or_else(PoisonError::into_inner);
        if registered.get(&client.client_id) == Some(&registration) {
            return Ok(());
        }
        let mut changed = registered.clone();
        changed.insert(client.client_id, registration);
        let text = serde_json::to_vec_pretty(&changed).map_err(Error::internal)?;
        files::write(&self.path, &text, files::PRIVATE)?;
        *registered = changed;
        Ok(())
    }

    /// Returns an application, if it is registered.
    pub(super) fn get(&self, client_id: Uuid) -> Option<Client> {
        self.registered
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&client_id)
            .map(|registration| registration.client(client_id))
    }

    /// Returns all applications.
    pub(super) fn all(&self) -> Vec<Client> {
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        registered.iter().map(|(client_id, registration)| registration.client(*client_id)).collect()
    }

    /// Returns an application and its certificates.
    pub(super) fn with_certificates(&self, client_id: Uuid) -> Option<(Client, Vec<ClientCertificate>)> {
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        let registration = registered.get(&client_id)?;
        Some((registration.client(client_id), registration.certificates.clone()))
    }

    /// Returns the application if the secret is correct.
    pub(super) fn authenticate(&self, client_id: Uuid, secret: &str) -> Option<Client> {
        let registered = self.registered.read().unwrap_or_else(PoisonError::into_inner);
        let registration = registered.get(&client_id)?;
        let same = hash(secret).as_bytes().ct_eq(registration.secret_sha256.as_bytes());
        bool::from(same).then(|| registration.client(client_id))
    }
}

impl Registration {
    fn client(&self, client_id: Uuid) -> Client {
        Client { name: self.name.clone(), object_id: self.object_id, client_id, groups: self.groups.clone() }
    }
}

fn hash(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret.as_bytes()))
}

/// Generates a secret: 32 random bytes, base64url, so that no character needs escaping in a form, a URL or a shell.
pub(super) fn new_secret() -> Result<SecretString> {
    let mut bytes = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| Error::internal("the random number generator failed"))?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(*bytes)))
}
