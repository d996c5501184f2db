//! Prepares a simulator: creates its certificates and secrets if they do not exist, and describes its resources.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::DefaultBodyLimit;
use secrecy::{ExposeSecret, SecretString};

use super::applications;
use super::authority::{Authority, AuthoritySettings, ManagedIdentities};
use super::certificates;
use super::connection_file::ConnectionData;
use super::console;
use super::seed::{PrincipalSeed, Seed};
use super::seeded_vaults;
use crate::api::TokenAuthorities;
use crate::clock::Clock;
use crate::config::{self, Config, GRAPH_HOST, HsmSeed, Isolation, Mode, Names, VaultSeed};
use crate::identity::{Issuer, KeySource, SignatureAlgorithm};
use crate::ids::Ids;
use crate::model::local_rbac::ADMINISTRATOR_ROLE;
use crate::model::resource::Subscription;
use crate::server::{
    self, DirectoryLock, InitialHsm, InitialRole, InitialSubscription, InitialVault, Installation, files,
    managed_identity, profile,
};
use crate::storage;
use crate::token::{Module, TokenSource, softhsm, softhsm_path};

/// The maximum size of a request to the authority, in bytes.
const MAX_AUTHORITY_REQUEST: usize = 64 * 1024;

/// A simulator that is prepared but not open.
pub(super) struct Prepared {
    pub(super) installation: Installation,
    pub(super) authority: Arc<Authority>,
    /// The managed identity endpoints, if the seed has managed identities.
    pub(super) identities: Option<ManagedIdentities>,
    pub(super) connection: ConnectionData,
}

/// Prepares the simulator in its data directory.
pub(super) fn prepare(config: &Config, port: u16) -> anyhow::Result<Prepared> {
    let directory = std::path::absolute(&config.data_dir)?;
    let lock = DirectoryLock::acquire(config)?;
    let seed = Seed::read(config.simulator.seed_file.as_deref())?;
    let names =
        certificates::without_unpermitted(&directory, names(config), &names_of_vaults(&Names::default()))?;
    let vaults = seeded_vaults::missing(&directory, &seed.vault)?;
    let certificates = certificates::ensure(&directory, &names)?;

    let with_port =
        |name: &str| if port == 443 { format!("https://{name}") } else { format!("https://{name}:{port}") };
    let audiences = Audiences::new(config);
    let authority_url = with_port(config.names.authority.first().map_or("login.localhost", String::as_str));
    let issuers = [
        // Without host and port, so that access tokens remain valid if these change.
        format!("https://sts.strongroom.localhost/{}/", seed.tenant_id),
        format!("{authority_url}/{}/v2.0", seed.tenant_id),
    ];
    let [issuer, issuer_v2] = issuers.clone();
    let authority = Authority::open(
        &directory.join("authority"),
        AuthoritySettings {
            tenant: seed.tenant_id,
            issuer,
            issuer_v2,
            access_token_version: config.simulator.access_token_version,
            hosts: config.names.authority.clone(),
            audiences: audiences.all(),
            lifetime: Duration::from_secs(config.simulator.token_lifetime_seconds),
        },
    )?;
    let authority = Arc::new(authority);
    let credentials = applications::register(&authority, &seed, &directory)?;
    let identities = applications::managed_identities(&authority, &seed, &directory.join("authority"))?;
    let routes = Arc::clone(&authority).router().layer(DefaultBodyLimit::max(MAX_AUTHORITY_REQUEST));
    let console_routes = console::routes(config, &seed, &authority, names, audiences.primary())?;
    let log = config.log.clone();
    let clock_setters = seed.principal.iter().filter(|principal| principal.turns_clock);
    let installation = Installation {
        lock,
        certificate: (certificates.chain, certificates.key),
        issuers: issuers.map(|issuer| own_issuer(issuer, &authority, &seed, &audiences)).into(),
        authorities: TokenAuthorities::BuiltIn(config.names.authority.clone()),
        clock: Clock::settable_by(clock_setters.map(|principal| principal.object_id)),
        clock_start: config.simulator.clock_start,
        clock_operators: Vec::new(),
        load_tokens: Box::new(move |settings| load_tokens(&directory, settings, &log)),
        audit_token: None,
        subscription: Some(subscription(&seed)),
        hsms: seed.hsm.iter().map(|hsm| initial_hsm(hsm, &seed)).collect(),
        vaults: vaults.into_iter().map(|vault| initial_vault(vault, &seed)).collect(),
        control_plane_roles: Vec::new(),
        storage: storage_policy(config),
        test_issuer: true,
        authority_routes: Some(routes),
        console_routes,
        ca_file: Some(certificates.ca_pem_path.clone()),
    };
    let endpoint = format!("https://{}", reachable(config.server.listen.ip(), port));
    let connection = ConnectionData {
        hosts: config.names.clone(),
        ca_file: certificates.ca_pem_path,
        ca_bundle_file: certificates.ca_bundle_path,
        console_url: console::url(config, &endpoint, with_port),
        endpoint,
        authority_url,
        audience: with_port(config.names.data_plane.first().map_or("managedhsm.localhost", String::as_str)),
        management_audience: with_port(
            config.names.management.first().map_or("management.localhost", String::as_str),
        ),
        vault_audience: with_port(config.names.vaults.first().map_or("vault.localhost", String::as_str)),
        seed,
        credentials,
    };
    Ok(Prepared { installation, authority, identities, connection })
}

/// Where full backups may be stored: also in the data directory, and in emulators of storage accounts on this machine.
fn storage_policy(config: &Config) -> storage::Policy {
    let directory = config.backup.directory.clone().unwrap_or_else(|| config.data_dir.join("backups"));
    let loopback = ["127.0.0.1", "localhost", "[::1]"].map(str::to_owned);
    let hosts = config.backup.hosts.iter().cloned().chain(loopback).collect();
    storage::Policy { directory: Some(directory), hosts, managed_identity: managed_identity(&config.backup) }
}

/// Returns the seed's subscription with its resource group and the ARM role assignments of the principals.
fn subscription(seed: &Seed) -> InitialSubscription {
    let id = seed.subscription.id;
    let name = seed.subscription.name.clone();
    InitialSubscription {
        subscription: Subscription { id, name, tenant: seed.tenant_id, protected: false },
        resource_group: seed.resource_group.clone(),
        location: seed.hsm[0].location.clone(),
        roles: roles(seed, |principal| &principal.control_plane_roles),
    }
}

/// Returns an HSM of the seed with the local role assignments of the principals. It is in the seed's tenant and
/// resource group, and its administrators are the principals with that role.
fn initial_hsm(hsm: &HsmSeed, seed: &Seed) -> InitialHsm {
    let administers =
        |principal: &&PrincipalSeed| principal.roles.iter().any(|role| role == ADMINISTRATOR_ROLE);
    let administrators = seed.principal.iter().filter(administers).map(|principal| principal.object_id);
    let roles = roles(seed, |principal| &principal.roles);
    let seed = HsmSeed {
        tenant_id: seed.tenant_id,
        subscription_id: Some(seed.subscription.id),
        resource_group: seed.resource_group.clone(),
        administrators: administrators.collect(),
        ..hsm.clone()
    };
    InitialHsm { seed, token: None, roles }
}

/// Returns a vault of the seed with the role assignments of the principals.
fn initial_vault(seed: VaultSeed, of: &Seed) -> InitialVault {
    InitialVault { seed, roles: roles(of, |principal| &principal.vault_roles) }
}

/// Returns the roles of the principals at one kind of resource.
fn roles(seed: &Seed, named: impl Fn(&PrincipalSeed) -> &[String]) -> Vec<InitialRole> {
    let roles_of = |principal: &PrincipalSeed| {
        let role = |role: &String| InitialRole {
            principal: principal.object_id,
            principal_name: principal.name.clone(),
            role: role.clone(),
        };
        named(principal).iter().map(role).collect::<Vec<_>>()
    };
    seed.principal.iter().flat_map(roles_of).collect()
}

/// Returns the names of vaults in the server's certificate.
fn names_of_vaults(names: &Names) -> Vec<String> {
    names.vaults.iter().map(|suffix| format!("*.{suffix}")).collect()
}

/// Returns the names for the server's certificate.
fn names(config: &Config) -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    for suffix in &config.names.data_plane {
        names.push(format!("*.{suffix}"));
    }
    names.extend(names_of_vaults(&config.names));
    names.push(GRAPH_HOST.to_owned());
    names.extend(config.names.authority.iter().chain(&config.names.management).cloned());
    names.extend(config.names.console.iter().cloned());
    names.extend(config.names.certificate.iter().cloned());
    names.extend(["127.0.0.1".to_owned(), "::1".to_owned()]);
    let listening = config.server.listen.ip();
    if !listening.is_unspecified() {
        names.push(listening.to_string());
    }
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Returns the address at which local clients reach the service: the loopback address if it listens on all addresses.
fn reachable(listening: IpAddr, port: u16) -> SocketAddr {
    let address = match listening {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    };
    SocketAddr::new(address, port)
}

/// The audiences of the access tokens that the simulator's authority issues.
struct Audiences {
    service: Vec<String>,
    vaults: Vec<String>,
    management: Vec<String>,
}

impl Audiences {
    /// Returns the URLs of the names of each plane, and the legacy name of Azure Resource Manager.
    fn new(config: &Config) -> Self {
        let urls = |names: &[String]| names.iter().map(|name| format!("https://{name}")).collect::<Vec<_>>();
        let mut management = urls(&config.names.management);
        management.push("https://management.core.windows.net".to_owned());
        Self { service: urls(&config.names.data_plane), vaults: urls(&config.names.vaults), management }
    }

    fn all(&self) -> Vec<String> {
        [&*self.service, &self.vaults, &self.management].concat()
    }

    /// Returns the first audience of each plane.
    fn primary(&self) -> Vec<String> {
        [&self.service, &self.vaults, &self.management]
            .iter()
            .filter_map(|urls| urls.first().cloned())
            .collect()
    }
}

/// Returns an issuer for which the authority signs: of v1 or of v2 access tokens.
fn own_issuer(issuer: String, authority: &Authority, seed: &Seed, audiences: &Audiences) -> Issuer {
    Issuer {
        issuer,
        audiences: audiences.service.clone(),
        vault_audiences: audiences.vaults.clone(),
        management_audiences: audiences.management.clone(),
        any_port: true,
        is_simulator_authority: true,
        tenant: seed.tenant_id,
        keys: KeySource::Static(authority.jwks()),
        algorithms: vec![SignatureAlgorithm::RS256],
        leeway_seconds: 5,
        tenant_claim_required: true,
        ca_file: None,
        keys_max_age_seconds: 0,
        proxy: None,
    }
}

/// Prepares SoftHSM's directories and loads it.
fn load_tokens(
    directory: &Path,
    settings: &config::Token,
    log: &config::Log,
) -> anyhow::Result<(Module, TokenSource)> {
    let softhsm = softhsm::Directory::prepare(&directory.join("softhsm"))?;
    let source = TokenSource::SoftHsm {
        pin: pin(&directory.join("token.pin"))?,
        so_pin: pin(&directory.join("token.so-pin"))?,
    };
    let (chosen, profile) = (settings.module.as_deref(), profile(settings)?);
    let module = match server::isolation(settings, Mode::Simulator) {
        Isolation::Process => softhsm_path(chosen, &profile)
            .map_err(anyhow::Error::new)
            .and_then(|path| server::in_processes((path, profile), Some(softhsm), log, [])),
        Isolation::Threads => {
            server::check_threads(settings)?;
            Module::load_softhsm(&softhsm, chosen, profile).map_err(anyhow::Error::new)
        }
    };
    let module =
        module.context("loading SoftHSM; set token.module to the path of its library if it is not found")?;
    Ok((module, source))
}

/// Reads a PIN from a file, or generates it.
fn pin(path: &Path) -> anyhow::Result<SecretString> {
    if let Some(bytes) = files::read(path)? {
        let text =
            std::str::from_utf8(&bytes).map_err(|_| anyhow::anyhow!("{} is not UTF-8", path.display()))?;
        return Ok(SecretString::from(text.trim_end()));
    }
    let pin = SecretString::from(Ids.guid().simple().to_string());
    files::write(path, pin.expose_secret().as_bytes(), files::PRIVATE)?;
    Ok(pin)
}
