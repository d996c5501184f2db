//! Reads `connection.json`, which describes a simulator to its clients, including principals and their secrets.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::connect_error::START_HINT;
use super::failure::{Failure, Outcome};
use super::plane::Plane;
use crate::model::name::{HsmName, PrincipalId, VaultName};
use crate::model::resource::{ResourceGroupName, SubscriptionId};

/// The file's name in the data directory.
const FILE: &str = "connection.json";

/// The address, trust anchor, defaults and principals of a simulator.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Connection {
    /// The URL of the server.
    pub(crate) endpoint: String,
    /// The certificate of the CA that issued the server's certificate.
    pub(crate) ca_file: PathBuf,
    /// The CA certificate together with the system's, for clients that accept only one file.
    pub(crate) ca_bundle_file: Option<PathBuf>,
    /// The URL of the authority that issues access tokens.
    pub(crate) authority: String,
    /// The audience of access tokens for data planes.
    pub(crate) audience: String,
    /// The audience of access tokens for the control plane; absent in files of older servers.
    pub(crate) management_audience: Option<String>,
    /// The audience of access tokens for vaults; absent in files of older servers.
    pub(crate) vault_audience: Option<String>,
    /// The tenant of the principals.
    pub(crate) tenant_id: String,
    /// The default resource group.
    pub(crate) resource_group: ResourceGroupName,
    /// The default subscription.
    pub(crate) subscription_id: SubscriptionId,
    /// The default managed HSM.
    pub(crate) hsm: HsmName,
    /// The default vault, if the seed has one.
    pub(crate) vault: Option<VaultName>,
    /// The host names of the service; absent in files of older servers.
    pub(crate) hosts: Option<Hosts>,
    /// The managed identity endpoint, if it is served.
    pub(crate) managed_identity: Option<ManagedIdentity>,
    /// The URL of the metrics, if they are served.
    pub(crate) metrics: Option<String>,
    /// The principals of the simulator.
    pub(crate) principals: Vec<Principal>,
}

/// The host names of the service. The first of each list is Strongroom's own, the others are Azure's.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hosts {
    /// The suffixes of the host names of managed HSMs.
    pub(crate) data_plane: Vec<String>,
    /// The suffixes of the host names of vaults; absent in files of older servers.
    #[serde(default)]
    pub(crate) vaults: Vec<String>,
    /// The token authority.
    pub(crate) authority: Vec<String>,
    /// The control plane.
    pub(crate) management: Vec<String>,
    /// Microsoft Graph, which has one name only.
    pub(crate) graph: String,
}

/// The managed identity endpoint.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ManagedIdentity {
    /// The base URL of the virtual machine form (IMDS).
    pub(crate) host: String,
    /// The URL of the App Service form.
    pub(crate) endpoint: String,
    /// The header value that the App Service form requires.
    #[serde(deserialize_with = "secret")]
    pub(crate) header: SecretString,
}

/// A principal of the simulator.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Principal {
    /// The display name.
    pub(crate) name: String,
    /// The object id, used in role assignments.
    pub(crate) object_id: PrincipalId,
    /// The client id, used in token requests.
    pub(crate) client_id: String,
    /// The client secret.
    #[serde(deserialize_with = "secret")]
    pub(crate) client_secret: SecretString,
    /// A file with a certificate and its private key, as an alternative to the client secret.
    pub(crate) certificate_file: Option<PathBuf>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

impl Connection {
    /// Reads the file from a data directory. Returns `None` if it does not exist.
    pub(crate) fn load(directory: &Path) -> Outcome<Option<Self>> {
        let path = directory.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(path.display(), &error)),
        };
        match serde_json::from_slice(&text) {
            Ok(connection) => Ok(Some(connection)),
            // The error's own text may quote a secret.
            Err(error) => Err(Failure::problem(format!(
                "{}: invalid connection file (line {}, column {})",
                path.display(),
                error.line(),
                error.column()
            ))
            .hint("restart the server to rewrite the file")),
        }
    }

    /// Returns the audience of access tokens for this plane.
    pub(crate) fn audience(&self, plane: Plane) -> Outcome<&str> {
        let missing = |of: &str| {
            Failure::problem(format!("connection.json has no audience for {of}"))
                .hint("restart the server to rewrite the file")
        };
        match plane {
            Plane::Data => Ok(&self.audience),
            Plane::Vault => self.vault_audience.as_deref().ok_or_else(|| missing("vaults")),
            Plane::Control => self.management_audience.as_deref().ok_or_else(|| missing("the control plane")),
        }
    }

    /// Returns the URL of a managed HSM's data plane: a subdomain of the data plane audience.
    pub(crate) fn data_plane(&self, hsm: &HsmName) -> String {
        let below = self.audience.strip_prefix("https://").unwrap_or(&self.audience);
        format!("https://{hsm}.{below}")
    }

    /// Returns the principal with this name, object id or client id.
    pub(crate) fn principal(&self, wanted: &str) -> Outcome<&Principal> {
        let known = |principal: &&Principal| {
            principal.name.eq_ignore_ascii_case(wanted)
                || principal.client_id.eq_ignore_ascii_case(wanted)
                || principal.object_id.to_string().eq_ignore_ascii_case(wanted)
        };
        self.principals.iter().find(known).ok_or_else(|| {
            let names: Vec<_> = self.principals.iter().map(|principal| principal.name.as_str()).collect();
            Failure::problem(format!("the simulator has no principal {wanted:?}"))
                .hint(format!("known principals: {}", names.join(", ")))
        })
    }
}

/// Resolves an object id: parses `wanted`, or looks it up as the name of a principal in `connection.json`.
pub(crate) fn resolve_object_id(connection: Option<&Connection>, wanted: &str) -> Outcome<PrincipalId> {
    match (wanted.parse(), connection) {
        (Ok(id), _) => Ok(id),
        (Err(_), Some(connection)) => connection.principal(wanted).map(|principal| principal.object_id),
        (Err(_), None) => Err(Failure::problem(format!(
            "{wanted:?} is not an object id; principal names require connection.json"
        ))),
    }
}

/// Reads the file from a data directory. Errors if it does not exist.
pub(crate) fn load_required(directory: &Path) -> Outcome<Connection> {
    Connection::load(directory)?.ok_or_else(|| {
        Failure::problem(format!("there is no {}", directory.join(FILE).display()))
            .hint(format!("{START_HINT}, or set its data directory with --data-dir DIR"))
    })
}

/// Returns the failure for a missing `connection.json` when no server is set by other options.
pub(crate) fn missing_connection_file(directory: &Path) -> Failure {
    Failure::problem(format!("there is no {}", directory.join(FILE).display())).hint(format!(
        "{START_HINT}, or set its data directory with --data-dir DIR. For another server, set --endpoint, --ca-file, \
         --hsm and STRONGROOM_TOKEN"
    ))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const EXAMPLE: &str = r#"{
        "endpoint": "https://127.0.0.1:8443", "ca_file": "/x/ca.pem",
        "authority": "https://login.localhost:8443", "audience": "https://managedhsm.localhost:8443",
        "tenant_id": "3b1d8e0e-0000-4000-8000-000000000001", "subscription_id": "3b1d8e0e-0000-4000-8000-00000000000c", "resource_group": "g",
        "hsm": "local",
        "principals": [
            {"name": "dev", "object_id": "3b1d8e0e-0000-4000-8000-00000000000a",
             "client_id": "3b1d8e0e-0000-4000-8000-00000000000b", "client_secret": "s3cret", "roles": ["x"]}
        ]}"#;

    #[test]
    fn finds_principals_by_name_object_id_or_client_id() {
        let connection: Connection = serde_json::from_str(EXAMPLE).unwrap();
        for wanted in
            ["dev", "Dev", "3B1D8E0E-0000-4000-8000-00000000000a", "3b1d8e0e-0000-4000-8000-00000000000b"]
        {
            assert_eq!(connection.principal(wanted).unwrap().name, "dev", "{wanted}");
        }
        assert!(connection.principal("eve").is_err());
        assert!(resolve_object_id(None, "dev").is_err());
        let guid = "99999999-0000-4000-8000-00000000000a";
        assert_eq!(resolve_object_id(None, guid).unwrap().to_string(), guid);
    }

    #[test]
    fn debug_output_hides_client_secrets() {
        let connection: Connection = serde_json::from_str(EXAMPLE).unwrap();
        assert!(!format!("{connection:?}").contains("s3cret"));
    }

    #[test]
    fn invalid_file_errors_do_not_quote_secrets() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Connection::load(directory.path()).unwrap().is_none());
        std::fs::write(directory.path().join(FILE), EXAMPLE.replace("\"s3cret\"", "[\"s3cret\"]")).unwrap();
        let failure = Connection::load(directory.path()).unwrap_err();
        assert!(!format!("{failure:?}").contains("s3cret"));
    }
}
