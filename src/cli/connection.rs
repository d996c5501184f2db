//! `connection.json`: what the simulator tells its clients, principals and their secrets included.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::failure::{Failure, Outcome};
use super::reach::START;
use super::session::Plane;
use crate::model::name::{HsmName, PrincipalId};
use crate::model::resource::{ResourceGroupName, SubscriptionId};

/// The file's name in the data directory.
const FILE: &str = "connection.json";

/// How to reach a simulator, and as whom.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Connection {
    /// Where the server answers.
    pub(crate) endpoint: String,
    /// The authority that issued its certificate.
    pub(crate) ca_file: PathBuf,
    /// The same together with the system's, for clients that take one file.
    pub(crate) ca_bundle_file: Option<PathBuf>,
    /// Where tokens are issued.
    pub(crate) authority: String,
    /// What tokens for data planes are issued for.
    pub(crate) audience: String,
    /// What tokens for the control plane are issued for, if the server was new enough to write it.
    pub(crate) management_audience: Option<String>,
    /// The directory of the principals.
    pub(crate) tenant_id: String,
    /// The resource group that is meant if none is named.
    pub(crate) resource_group: ResourceGroupName,
    /// The subscription that is meant if none is named.
    pub(crate) subscription_id: SubscriptionId,
    /// The HSM that is meant if none is named.
    pub(crate) hsm: HsmName,
    /// The names of the parts of the service, if the server was new enough to write them.
    pub(crate) hosts: Option<Hosts>,
    /// Where managed identities get their tokens, if they do.
    pub(crate) managed_identity: Option<ManagedIdentity>,
    /// Who is known to the simulator.
    pub(crate) principals: Vec<Principal>,
}

/// The names of the parts of the service; of each list, the first is its own.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hosts {
    /// What the names of data planes end with.
    pub(crate) data_plane: Vec<String>,
    /// The issuer of tokens.
    pub(crate) authority: Vec<String>,
    /// The control plane.
    pub(crate) management: Vec<String>,
    /// The directory, under the only name it has.
    pub(crate) graph: String,
}

/// Where managed identities get their tokens.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ManagedIdentity {
    /// Where the form of virtual machines answers, without its path.
    pub(crate) host: String,
    /// Where the form of App Service answers.
    pub(crate) endpoint: String,
    /// What the form of App Service asks for.
    #[serde(deserialize_with = "secret")]
    pub(crate) header: SecretString,
}

/// Somebody the simulator knows.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Principal {
    /// The name people use.
    pub(crate) name: String,
    /// Its id in role assignments.
    pub(crate) object_id: PrincipalId,
    /// Its id in token requests.
    pub(crate) client_id: String,
    /// What proves its identity.
    #[serde(deserialize_with = "secret")]
    pub(crate) client_secret: SecretString,
    /// A certificate with its key, which proves it as well.
    pub(crate) certificate_file: Option<PathBuf>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

impl Connection {
    /// Reads the file in a data directory; `None` if there is none.
    pub(crate) fn load(directory: &Path) -> Outcome<Option<Self>> {
        let path = directory.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file(path.display(), &error)),
        };
        match serde_json::from_slice(&text) {
            Ok(connection) => Ok(Some(connection)),
            // The error's own text could quote a secret.
            Err(error) => Err(Failure::problem(format!(
                "{}: not what the server writes (line {}, column {})",
                path.display(),
                error.line(),
                error.column()
            ))
            .hint("restart the server: it writes the file again")),
        }
    }

    /// What a token for this plane is issued for.
    pub(crate) fn audience(&self, plane: Plane) -> Outcome<&str> {
        match plane {
            Plane::Data => Ok(&self.audience),
            Plane::Control => self.management_audience.as_deref().ok_or_else(|| {
                Failure::problem(
                    "connection.json does not say what tokens for the control plane are issued for",
                )
                .hint("restart the server: it writes the file again")
            }),
        }
    }

    /// The URL of an HSM's data plane: below the resource that tokens are issued for.
    pub(crate) fn data_plane(&self, hsm: &HsmName) -> String {
        let below = self.audience.strip_prefix("https://").unwrap_or(&self.audience);
        format!("https://{hsm}.{below}")
    }

    /// Finds a principal by name, object id or client id.
    pub(crate) fn principal(&self, wanted: &str) -> Outcome<&Principal> {
        let known = |principal: &&Principal| {
            principal.name.eq_ignore_ascii_case(wanted)
                || principal.client_id.eq_ignore_ascii_case(wanted)
                || principal.object_id.to_string().eq_ignore_ascii_case(wanted)
        };
        self.principals.iter().find(known).ok_or_else(|| {
            let names: Vec<_> = self.principals.iter().map(|principal| principal.name.as_str()).collect();
            Failure::problem(format!("the simulator knows no principal {wanted:?}"))
                .hint(format!("it knows {}", names.join(", ")))
        })
    }
}

/// The object id of a principal that is named by it, or by a name that `connection.json` knows.
pub(crate) fn object_id(connection: Option<&Connection>, wanted: &str) -> Outcome<PrincipalId> {
    match (wanted.parse(), connection) {
        (Ok(id), _) => Ok(id),
        (Err(_), Some(connection)) => connection.principal(wanted).map(|principal| principal.object_id),
        (Err(_), None) => Err(Failure::problem(format!(
            "{wanted:?} is not an object id, and without connection.json names are not known"
        ))),
    }
}

/// The file in a data directory; where there is none, that is an error.
pub(crate) fn needed(directory: &Path) -> Outcome<Connection> {
    Connection::load(directory)?.ok_or_else(|| {
        Failure::problem(format!("there is no {}", directory.join(FILE).display()))
            .hint(format!("{START}; --data-dir DIR says where it keeps its files"))
    })
}

/// Nothing is known about the server.
pub(crate) fn missing(directory: &Path) -> Failure {
    Failure::problem(format!("there is no {}", directory.join(FILE).display())).hint(format!(
        "{START}; --data-dir DIR says where the simulator keeps its files. Another server is named with \
         --endpoint, --ca-file, --hsm and STRONGROOM_TOKEN"
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
    fn principals_are_found_by_name_and_by_either_id() {
        let connection: Connection = serde_json::from_str(EXAMPLE).unwrap();
        for wanted in
            ["dev", "Dev", "3B1D8E0E-0000-4000-8000-00000000000a", "3b1d8e0e-0000-4000-8000-00000000000b"]
        {
            assert_eq!(connection.principal(wanted).unwrap().name, "dev", "{wanted}");
        }
        assert!(connection.principal("eve").is_err());
        assert!(object_id(None, "dev").is_err());
        let guid = "99999999-0000-4000-8000-00000000000a";
        assert_eq!(object_id(None, guid).unwrap().to_string(), guid);
    }

    #[test]
    fn secrets_are_not_printed() {
        let connection: Connection = serde_json::from_str(EXAMPLE).unwrap();
        assert!(!format!("{connection:?}").contains("s3cret"));
    }

    #[test]
    fn a_damaged_file_is_told_without_quoting_it() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Connection::load(directory.path()).unwrap().is_none());
        std::fs::write(directory.path().join(FILE), EXAMPLE.replace("\"s3cret\"", "[\"s3cret\"]")).unwrap();
        let failure = Connection::load(directory.path()).unwrap_err();
        assert!(!format!("{failure:?}").contains("s3cret"));
    }
}
