//! Writes the files for clients of the simulator: `connection.json` and `dev.env` in the data directory.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::authority::ManagedIdentities;
use super::managed_identity_listener::Endpoint;
use super::seed::{PrincipalSeed, Seed};
use crate::config::{GRAPH_HOST, HsmSeed, Names};
use crate::model::name::{PrincipalId, VaultName};
use crate::server::{files, shell_quoted};

/// The credentials of an application.
pub(super) struct Credentials {
    pub(super) secret: SecretString,
    /// The path of certificate and private key, PEM, if the seed requests or names one.
    pub(super) certificate_file: Option<PathBuf>,
}

/// What the clients of a simulator need to know.
pub(super) struct ConnectionData {
    pub(super) ca_file: PathBuf,
    /// The path of a bundle of `ca_file` and the system's authorities.
    pub(super) ca_bundle_file: PathBuf,
    pub(super) seed: Seed,
    pub(super) endpoint: String,
    /// The URL of the web console, if one is served.
    pub(super) console_url: Option<String>,
    pub(super) authority_url: String,
    /// The audience of access tokens for the data planes of managed HSMs.
    pub(super) audience: String,
    /// The audience of access tokens for the data planes of vaults.
    pub(super) vault_audience: String,
    /// The audience of access tokens for the control plane.
    pub(super) management_audience: String,
    /// The credentials of the applications, in the order of the seed's principals.
    pub(super) credentials: Vec<Credentials>,
    /// The DNS names of the parts of the service.
    pub(super) hosts: Names,
}

impl ConnectionData {
    /// Returns the vaults of the seed.
    pub(super) fn vaults(&self) -> impl Iterator<Item = &VaultName> {
        self.seed.vault.iter().map(|vault| &vault.name)
    }
}

/// The content of `connection.json`.
#[derive(Serialize)]
struct Connection<'a> {
    endpoint: &'a str,
    /// The URL of the web console.
    #[serde(skip_serializing_if = "Option::is_none")]
    console: Option<&'a str>,
    ca_file: &'a Path,
    ca_bundle_file: &'a Path,
    authority: &'a str,
    audience: &'a str,
    vault_audience: &'a str,
    management_audience: &'a str,
    tenant_id: Uuid,
    subscription_id: Uuid,
    resource_group: &'a str,
    hsm: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vault: Option<&'a str>,
    hosts: Hosts<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    managed_identity: Option<ManagedIdentity<'a>>,
    /// The URL of the metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<&'a str>,
    principals: Vec<Principal<'a>>,
}

/// DNS names without ports; the first of each list is the primary one.
#[derive(Serialize)]
struct Hosts<'a> {
    data_plane: &'a [String],
    vaults: &'a [String],
    authority: &'a [String],
    management: &'a [String],
    console: &'a [String],
    graph: &'a str,
}

#[derive(Serialize)]
struct ManagedIdentity<'a> {
    /// The value for `AZURE_POD_IDENTITY_AUTHORITY_HOST`.
    host: String,
    /// The value for `IDENTITY_ENDPOINT`.
    endpoint: String,
    /// The value for `IDENTITY_HEADER`.
    header: &'a str,
}

impl<'a> ManagedIdentity<'a> {
    fn of(endpoint: &'a Endpoint) -> Self {
        let host = format!("http://{}", endpoint.address);
        let path = ManagedIdentities::app_service_path();
        Self { endpoint: format!("{host}{path}"), host, header: endpoint.header.expose_secret() }
    }
}

#[derive(Serialize)]
struct Principal<'a> {
    name: &'a str,
    object_id: PrincipalId,
    client_id: Uuid,
    client_secret: &'a str,
    /// The path of certificate and private key, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_file: Option<&'a Path>,
    roles: Vec<&'a str>,
}

impl<'a> Principal<'a> {
    fn of((seed, credentials): (&'a PrincipalSeed, &'a Credentials)) -> Self {
        Self {
            name: &seed.name,
            object_id: seed.object_id,
            client_id: seed.client_id,
            client_secret: credentials.secret.expose_secret(),
            certificate_file: credentials.certificate_file.as_deref(),
            roles: (seed.roles.iter().chain(&seed.vault_roles).chain(&seed.control_plane_roles))
                .map(String::as_str)
                .collect(),
        }
    }
}

/// The fields of `connection.json` that are read again: the client secrets, which are stored only there.
#[derive(Deserialize)]
struct StoredConnection {
    principals: Vec<StoredPrincipal>,
}

#[derive(Deserialize)]
struct StoredPrincipal {
    client_id: Uuid,
    client_secret: zeroize::Zeroizing<String>,
}

/// Returns the client ids and secrets in `connection.json`; none if the file does not exist.
///
/// # Errors
/// If the file exists and cannot be read.
pub(super) fn stored_secrets(directory: &Path) -> anyhow::Result<Vec<(Uuid, SecretString)>> {
    let path = directory.join("connection.json");
    let Some(bytes) = files::read(&path)? else { return Ok(Vec::new()) };
    let stored: StoredConnection = serde_json::from_slice(&bytes)
        // The cause is omitted, because it might quote a secret.
        .map_err(|_| {
            anyhow::anyhow!("{} is damaged; remove it to generate new client secrets", path.display())
        })?;
    Ok(stored
        .principals
        .into_iter()
        .map(|principal| (principal.client_id, SecretString::from(principal.client_secret.as_str())))
        .collect())
}

/// The URLs of the listeners that a simulator may not have, because their addresses were in use.
#[derive(Clone, Copy)]
pub(super) struct Urls<'a> {
    pub(super) managed_identity: Option<&'a Endpoint>,
    pub(super) metrics: Option<&'a str>,
}

/// Writes both files atomically.
pub(super) fn write(directory: &Path, simulator: &ConnectionData, urls: &Urls<'_>) -> anyhow::Result<()> {
    let seed = &simulator.seed;
    let hsm = seed.hsm.first().map_or("", |hsm: &HsmSeed| hsm.name.as_str());
    let connection = Connection {
        endpoint: &simulator.endpoint,
        console: simulator.console_url.as_deref(),
        ca_file: &simulator.ca_file,
        ca_bundle_file: &simulator.ca_bundle_file,
        authority: &simulator.authority_url,
        audience: &simulator.audience,
        vault_audience: &simulator.vault_audience,
        management_audience: &simulator.management_audience,
        tenant_id: seed.tenant_id,
        subscription_id: seed.subscription.id.0,
        resource_group: seed.resource_group.as_str(),
        hsm,
        vault: seed.vault.first().map(|vault| vault.name.as_str()),
        hosts: Hosts {
            data_plane: &simulator.hosts.data_plane,
            vaults: &simulator.hosts.vaults,
            authority: &simulator.hosts.authority,
            management: &simulator.hosts.management,
            console: &simulator.hosts.console,
            graph: GRAPH_HOST,
        },
        managed_identity: urls.managed_identity.map(ManagedIdentity::of),
        metrics: urls.metrics,
        principals: seed.principal.iter().zip(&simulator.credentials).map(Principal::of).collect(),
    };
    let mut json = serde_json::to_vec_pretty(&connection).context("writing connection.json")?;
    json.push(b'\n');
    files::write(&directory.join("connection.json"), &json, files::PRIVATE)?;
    // A relative path would depend on the working directory of the shell.
    let absolute = std::path::absolute(directory).context("writing dev.env")?;
    let environment = [
        ("STRONGROOM_ENDPOINT", simulator.endpoint.as_str()),
        ("STRONGROOM_CA_FILE", &simulator.ca_file.to_string_lossy()),
        ("STRONGROOM_DATA_DIR", &absolute.to_string_lossy()),
        ("STRONGROOM_HSM", hsm),
    ];
    let mut text = String::from(
        "# Source this file in a shell to let the command line find the simulator from any directory.\n",
    );
    for (name, value) in environment {
        writeln!(text, "export {name}={}", shell_quoted(value)).context("writing dev.env")?;
    }
    files::write(&directory.join("dev.env"), text.as_bytes(), files::PUBLIC)?;
    Ok(())
}
