//! Opens a simulator, and creates what does not exist yet: certificates, secrets, tokens and the resources of the seed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};

use super::applications;
use super::audit_log;
use super::connection_file::Simulator;
use super::gateway::ClientTrust;
use super::managed_identity;
use super::resources;
use super::service::{self, Service};
use crate::api::{HostNames, TokenAuthorities};
use crate::clock::Clock;
use crate::config::{self, Config, PrincipalSeed, Seed};
use crate::engine::Engine;
use crate::identity::{Identity, Issuer, KeySource, Settings};
use crate::ids::Ids;
use crate::model::Timestamp;
use crate::model::hsm::{Activation, ManagedHsm, NetworkRules};
use crate::model::key::Tags;
use crate::model::local_rbac::{ADMINISTRATOR_ROLE, RoleDefinition};
use crate::model::name::PrincipalId;
use crate::model::resource::Subscription;
use crate::model::setting;
use crate::simulator::authority::{Authority, AuthoritySettings, GRAPH_HOST};
use crate::simulator::{certificates, files};
use crate::store::Store;

use crate::ops::AttachedTokens;
use crate::token::{Module, TokenPool, TokenSource, TokenUsage, softhsm};

/// Returns the environment variable that points SoftHSM to its configuration. It must be set before the process starts.
///
/// # Errors
/// If the data directory cannot be created.
pub fn environment(config: &Config) -> anyhow::Result<(&'static str, PathBuf)> {
    files::make_private_directory(&config.data_dir)?;
    let root = std::path::absolute(&config.data_dir)?.join("softhsm");
    Ok(softhsm::Directory::prepare(&root)?.environment())
}

/// Opens the simulator in its data directory.
pub(super) async fn open(config: &Config, port: u16) -> anyhow::Result<Service> {
    let directory = std::path::absolute(&config.data_dir)?;
    files::make_private_directory(&directory)?;
    let lock = service::lock(&directory)?;
    let seed = Seed::read(config.simulator.seed_file.as_deref())?;
    let certificates = certificates::ensure(&directory, &names(config))?;

    let with_port =
        |name: &str| if port == 443 { format!("https://{name}") } else { format!("https://{name}:{port}") };
    let audiences = audiences(config);
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
            audiences: audiences.concat(),
            lifetime: Duration::from_secs(config.simulator.token_lifetime_seconds),
        },
    )?;
    let authority = Arc::new(authority);
    let credentials = applications::register(&authority, &seed, &directory)?;
    let identities = applications::managed_identities(&authority, &seed, &directory.join("authority"))?;
    let trust = ClientTrust::read(config)?;
    let tls = super::gateway::tls(certificates.chain, certificates.key, &trust)?;
    let settings = super::gateway::identity_settings(config, trust);
    let identity = identity(settings, &authority, &seed, &issuers, &audiences).await?;

    let clock_setters = seed.principal.iter().filter(|principal| principal.turns_clock);
    let clock = Clock::settable_by(clock_setters.map(|principal| principal.object_id));
    let store = service::open_store(config, &clock).await?;
    let now = clock.now();
    let supply = open_supply(config, &directory)?;
    let tokens = AttachedTokens::default();
    service::open_tokens(&store, &supply.0, &tokens).await?;
    let lifetimes = store.lifetimes();
    let is_seeded = seed.hsm.iter().all(|hsm| service::has_existed(&lifetimes, &hsm.name));
    ensure_resource_group(&store, &seed, now, is_seeded).await?;
    let built_in = config::built_in_roles()?;
    for wanted in seed.hsm.iter().filter(|wanted| !service::has_existed(&lifetimes, &wanted.name)) {
        let token = supply
            .0
            .allocate(wanted.name.as_str(), || TokenUsage {
                in_use: store.token_serials(),
                ..TokenUsage::default()
            })
            .await
            .with_context(|| format!("creating the token of HSM {}", wanted.name))?;
        let hsm = ManagedHsm {
            id: Ids.guid(),
            name: wanted.name.clone(),
            tenant: seed.tenant_id,
            subscription: seed.subscription.id,
            resource_group: seed.resource_group.clone(),
            location: wanted.location.clone(),
            sku: wanted.sku.clone(),
            retention: wanted.retention_days,
            purge_protection: wanted.purge_protection,
            activation: Activation::Active,
            initial_administrators: administrators(&seed),
            token_serial: token.info().serial.clone(),
            created: now,
            deletion: None,
            tags: Tags::default(),
            network: NetworkRules::default(),
            settings: setting::Settings::default(),
        };
        service::create_hsm(&store, hsm, &assigned(&seed, |principal| &principal.roles, &built_in)?).await?;
        tokens.attach(&wanted.name, token);
    }
    let (supply, module) = supply;
    let audit_log = audit_log::open(config, &store, &supply, None, now).await?;
    let rules = (service::aes_modes(config, &seed.hsm), Vec::new(), audit_log);
    let (locations, pricing) = (config::locations()?, service::pricing(config)?);
    let engine = Engine::new(identity, store, clock, locations, pricing, (supply, tokens), rules);

    authority.set_recorder(Arc::new(engine.clone()));
    // Started only now, because each issued access token must be recorded.
    let managed_identity = match identities {
        Some(identities) => {
            managed_identity::start(config.simulator.managed_identity_listen, identities).await
        }
        None => None,
    };
    let simulator = Simulator {
        authority,
        managed_identity,
        hosts: config.names.clone(),
        ca_file: certificates.ca_pem_path,
        ca_bundle_file: certificates.ca_bundle_path,
        endpoint: format!("https://{}", reachable(config.server.listen.ip(), port)),
        authority_url,
        audience: with_port(config.names.data_plane.first().map_or("managedhsm.localhost", String::as_str)),
        management_audience: with_port(
            config.names.management.first().map_or("management.localhost", String::as_str),
        ),
        seed,
        credentials,
    };
    let names = HostNames {
        suffixes: config.names.data_plane.clone(),
        management_hosts: config.names.management.clone(),
        default_hsm_hosts: config.names.certificate.clone(),
        default_hsm: simulator.seed.hsm.first().map(|hsm| hsm.name.clone()),
        default_tenant: simulator.seed.tenant_id,
        authorities: TokenAuthorities::BuiltIn(config.names.authority.clone()),
    };
    Ok(Service { engine, module, tls, simulator: Some(simulator), names, lock })
}

/// Creates the seed's subscription, its resource group, and the ARM role assignments of the first start. Does not
/// create a deleted resource group again if the simulator `is_seeded`: all HSMs of the seed have existed.
async fn ensure_resource_group(
    store: &Store,
    seed: &Seed,
    now: Timestamp,
    is_seeded: bool,
) -> anyhow::Result<()> {
    let config::Subscription { id, name } = seed.subscription.clone();
    if is_seeded && store.subscription(id).is_some_and(|known| known.tenant == seed.tenant_id) {
        return resources::ensure_resource_groups_of_hsms(store).await;
    }
    let subscription = Subscription { id, name, tenant: seed.tenant_id, protected: false };
    let location = &seed.hsm[0].location;
    let roles = config::control_plane_roles()?;
    let managers = assigned(seed, |principal| &principal.control_plane_roles, &roles)?;
    resources::ensure_resource_group(store, subscription, &seed.resource_group, location, now, &managers)
        .await?;
    resources::ensure_resource_groups_of_hsms(store).await
}

/// Returns the names for the server's certificate.
fn names(config: &Config) -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    for suffix in &config.names.data_plane {
        names.push(format!("*.{suffix}"));
    }
    names.push("*.vault.localhost".to_owned());
    names.push(GRAPH_HOST.to_owned());
    names.extend(config.names.authority.iter().chain(&config.names.management).cloned());
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

/// Returns the audiences of the simulator's authority: data planes, and Azure Resource Manager with its legacy name.
fn audiences(config: &Config) -> [Vec<String>; 2] {
    let urls = |names: &[String]| names.iter().map(|name| format!("https://{name}")).collect::<Vec<_>>();
    let mut management = urls(&config.names.management);
    management.push("https://management.core.windows.net".to_owned());
    [urls(&config.names.data_plane), management]
}

/// Creates authentication that trusts the simulator's authority (v1 and v2 access tokens) and the configured issuers.
async fn identity(
    mut settings: Settings,
    authority: &Authority,
    seed: &Seed,
    issuers: &[String],
    [audiences, management_audiences]: &[Vec<String>; 2],
) -> anyhow::Result<Identity> {
    let own = issuers.iter().map(|issuer| Issuer {
        issuer: issuer.clone(),
        audiences: audiences.clone(),
        management_audiences: management_audiences.clone(),
        any_port: true,
        is_simulator_authority: true,
        tenant: seed.tenant_id,
        keys: KeySource::Static(authority.jwks()),
        algorithms: vec![crate::identity::SignatureAlgorithm::RS256],
        leeway_seconds: 5,
        tenant_claim_required: true,
        ca_file: None,
        keys_max_age_seconds: 0,
        proxy: None,
    });
    settings.issuers.extend(own);
    Ok(Identity::new(settings).await?)
}

/// Prepares SoftHSM's directories and loads it.
fn open_supply(config: &Config, directory: &Path) -> anyhow::Result<(TokenPool, Module)> {
    let softhsm = softhsm::Directory::prepare(&directory.join("softhsm"))?;
    let source = TokenSource::SoftHsm {
        directory: softhsm.clone(),
        pin: pin(&directory.join("token.pin"))?,
        so_pin: pin(&directory.join("token.so-pin"))?,
    };
    let module = softhsm
        .load(config.token.module.as_deref(), service::profile(&config.token)?)
        .context("loading SoftHSM; set token.module to the path of its library if it is not found")?;
    Ok((TokenPool::new(module.clone(), source), module))
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

/// Returns the principals with the role Managed HSM Administrator in the seed.
fn administrators(seed: &Seed) -> Vec<PrincipalId> {
    let administrates = |role: &String| role == ADMINISTRATOR_ROLE;
    seed.principal
        .iter()
        .filter(|principal| principal.roles.iter().any(administrates))
        .map(|principal| principal.object_id)
        .collect()
}

/// Returns the role assignments of the seed on one plane.
fn assigned<'a>(
    seed: &Seed,
    named: impl Fn(&PrincipalSeed) -> &[String],
    roles: &'a [RoleDefinition],
) -> anyhow::Result<Vec<(PrincipalId, &'a RoleDefinition)>> {
    let mut assigned = Vec::new();
    for principal in &seed.principal {
        for name in named(principal) {
            let role = service::role(roles, name).with_context(|| format!("principal {}", principal.name))?;
            assigned.push((principal.object_id, role));
        }
    }
    Ok(assigned)
}
