//! Opens the service of a gateway or of a simulator.

mod audit_log;
mod authentication;
mod client_verifier;
mod directory_lock;
mod installation;
mod resources;
mod sealing_keys;
mod security_domains;
mod store;
mod tls;
mod token_module;
mod tokens;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;

use crate::api::{HostNames, TokenAuthorities};
use crate::clock::Clock;
use crate::config::{self, Config, Mode};
use crate::engine::{Engine, EngineParts};
use crate::identity::Identity;
use crate::model::Timestamp;
use crate::model::billing::Pricing;
use crate::model::change::Change;
use crate::model::container_setting::{ContainerSetting, KeyPolicies};
use crate::model::throttling::RateLimits;
use crate::ops::end_interrupted_jobs;
use crate::store::{Commit, Store};
use crate::token::{Module, TokenPool};

pub(crate) use directory_lock::DirectoryLock;
pub(crate) use installation::{
    InitialHsm, InitialRole, InitialSubscription, InitialVault, Installation, managed_identity,
};
pub(crate) use store::{instance as store_instance, location as store_location, server_at};
pub(crate) use token_module::{check_threads, in_processes, isolation};
pub(crate) use tokens::profile;

/// The parts of an opened service.
pub(crate) struct Service {
    pub(crate) engine: Engine,
    pub(super) module: Module,
    pub(super) tls: Arc<rustls::ServerConfig>,
    /// The names of the data planes and of the control plane.
    pub(super) names: HostNames,
    /// The routes of the built-in authority, if there is one.
    pub(super) authority_routes: Option<Router>,
    /// The routes of the web console, if one is served.
    pub(super) console_routes: Option<Router>,
    /// The path of the certificate that clients must trust, PEM, if the service publishes it.
    pub(super) ca_file: Option<PathBuf>,
    /// The lock of the data directory.
    pub(super) lock: DirectoryLock,
}

/// How long the threads of the tokens may take to end if the service cannot be opened.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the service: authentication, the store, the tokens and the audit log. Creates the resources that do not exist
/// yet.
///
/// # Errors
/// If a part cannot be opened; the text names the setting or the file.
pub(crate) async fn open(config: &Config, installation: Installation) -> anyhow::Result<Service> {
    let mut pool = None;
    let opened = open_parts(config, installation, &mut pool).await;
    if let (Err(_), Some(pool)) = (&opened, pool) {
        // The process exits next, and threads that still use the module would crash it.
        pool.drain(DRAIN_TIMEOUT).await;
    }
    opened
}

/// As [`open`]. The pool whose tokens may be open is returned in any case.
async fn open_parts(
    config: &Config,
    installation: Installation,
    opened: &mut Option<TokenPool>,
) -> anyhow::Result<Service> {
    let Installation { clock, hsms, .. } = installation;
    let trust = tls::ClientTrust::read(config)?;
    let tls = tls::tls(installation.certificate, &trust)?;
    let settings = authentication::identity_settings(config, trust, installation.issuers);
    let identity = Identity::new(settings).await?;

    // Held until the service is open.
    let _opening = store::lock_opening(config).await?;
    let store = store::open_store(config, &clock).await?;
    if let Some(start) = installation.clock_start {
        start_clock_at(start, &clock, &store).await?;
    }
    let now = clock.now();
    let (module, source) = (installation.load_tokens)(&config.token)?;
    let pool = TokenPool::new(module.clone(), source);
    *opened = Some(pool.clone());
    tokens::check_tokens(&hsms, &store, &module)?;
    let tokens = tokens::open_tokens(&store, &pool).await?;

    let does_not_exist = |vault: &InitialVault| store.vault(&vault.seed.name).is_none();
    let vaults: Vec<InitialVault> = installation.vaults.into_iter().filter(does_not_exist).collect();
    let lifetimes = store.lifetimes();
    let is_new = |hsm: &&InitialHsm| !resources::has_existed(&lifetimes, &hsm.seed.name);
    if let Some(initial) = &installation.subscription {
        let has_new_containers = hsms.iter().any(|hsm| is_new(&hsm)) || !vaults.is_empty();
        resources::ensure_subscription(&store, initial, now, has_new_containers).await?;
    }
    resources::ensure_resource_groups_of_hsms(&store).await?;
    for hsm in hsms.iter().filter(is_new) {
        resources::ensure_resource_group_of(&store, &hsm.seed, now).await?;
    }
    for role in &installation.control_plane_roles {
        resources::ensure_assignment(&store, role).await.context("control_plane_role")?;
    }
    for hsm in hsms.iter().filter(is_new) {
        let token = tokens::open_new_token(hsm, &store, &pool).await?;
        resources::create_hsm(&store, hsm, token.info(), now).await?;
        tokens.attach(&(&hsm.seed.name).into(), token);
    }
    for vault in &vaults {
        let Some(initial) = &installation.subscription else { break };
        let token = tokens::allocate(&(&vault.seed.name).into(), &store, &pool).await?;
        resources::create_vault(&store, vault, initial, token.info(), now).await?;
        tokens.attach(&(&vault.seed.name).into(), token);
    }
    security_domains::ensure_security_domains(&store, &tokens).await?;
    sealing_keys::ensure_sealing_keys(&store, &tokens).await?;
    let own = store.instance().to_string();
    end_interrupted_jobs(&store, |instance| instance == own, now).await?;

    let audit_log = audit_log::open(config, &store, &pool, installation.audit_token, now).await?;
    let engine = Engine::new(EngineParts {
        identity,
        store,
        clock,
        locations: config::locations()?,
        pricing: pricing(config)?,
        token_pool: pool,
        tokens,
        key_policies: key_policies(config, &hsms),
        storage: installation.storage,
        clock_operators: installation.clock_operators,
        test_issuer: installation.test_issuer,
        // A gateway limits no calls: its device has limits of its own.
        rate_limits: match config.mode {
            Mode::Simulator => config.simulator.limits,
            Mode::Gateway => RateLimits::Off,
        },
        soft_delete_opt_out: config.mode == Mode::Simulator && config.simulator.soft_delete_opt_out,
        audit_log,
    });
    Ok(Service {
        engine,
        module,
        tls,
        names: names(config, hsms.first(), installation.authorities),
        authority_routes: installation.authority_routes,
        console_routes: installation.console_routes,
        ca_file: installation.ca_file,
        lock: installation.lock,
    })
}

/// Sets a virtual clock at the first start with a data directory, which then has no subscription.
async fn start_clock_at(start: Timestamp, clock: &Clock, store: &Store) -> anyhow::Result<()> {
    if !store.subscriptions().is_empty() {
        return Ok(());
    }
    let changes = vec![Change::SetClock(clock.setting_for(start, false))];
    store.commit(Commit { changes, ..Commit::default() }).await.context("simulator.clock_start")
}

/// Returns the names of this server, with the HSM of requests that name none.
fn names(config: &Config, default: Option<&InitialHsm>, authorities: TokenAuthorities) -> HostNames {
    HostNames {
        suffixes: config.names.data_plane.clone(),
        vault_suffixes: config.names.vaults.clone(),
        management_hosts: config.names.management.clone(),
        default_hsm_hosts: config.names.certificate.clone(),
        default_hsm: default.map(|hsm| hsm.seed.name.clone()),
        default_tenant: default.map(|hsm| hsm.seed.tenant_id).unwrap_or_default(),
        authorities,
    }
}

/// Returns the restrictions on keys, from the configuration and the HSMs.
fn key_policies(config: &Config, hsms: &[InitialHsm]) -> KeyPolicies {
    let seeds = || hsms.iter().map(|hsm| &hsm.seed);
    let aes_modes = seeds().filter_map(|seed| seed.aes_modes.map(|modes| (&seed.name, modes)));
    let backup = seeds().filter_map(|seed| seed.backup.map(|policy| (&seed.name, policy)));
    KeyPolicies {
        aes_modes: ContainerSetting::new(config.crypto.aes_modes, aes_modes),
        backup: ContainerSetting::new(config.crypto.backup, backup),
    }
}

/// Returns the configured price list and plan.
fn pricing(config: &Config) -> anyhow::Result<Pricing> {
    let prices = config::prices(config.billing.prices_file.as_deref())?;
    Ok(Pricing { prices, plan: config.billing.plan.clone() })
}
