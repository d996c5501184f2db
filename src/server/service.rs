//! The opened service, and the steps of opening that gateway and simulator share.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::connection_file::Simulator;
use crate::api::HostNames;
use crate::audit;
use crate::clock::Clock;
use crate::config::{self, BrokenChain, Config, Durability, HsmSeed, Token as TokenConfig};
use crate::engine::{Engine, RefusalLimits};
use crate::ids::Ids;
use crate::model::aes_modes::AesModePolicy;
use crate::model::billing::Pricing;
use crate::model::change::{Change, IntentVerb};
use crate::model::hsm::ManagedHsm;
use crate::model::lifetime::HsmLifetime;
use crate::model::local_rbac::{LocalScope, RoleAssignment, RoleDefinition};
use crate::model::name::{HsmName, PrincipalId};

use crate::ops::AttachedTokens;
use crate::store::{self, Commit, Rules, Store};
use crate::token::{Module, Profile, Selector, TokenPool};

/// The parts of an opened service.
pub(super) struct Service {
    pub(super) engine: Engine,
    pub(super) module: Module,
    pub(super) tls: Arc<rustls::ServerConfig>,
    pub(super) simulator: Option<Simulator>,
    /// The names of the data planes and of the control plane.
    pub(super) names: HostNames,
    /// The lock of the data directory, held while the process uses it.
    pub(super) lock: File,
}

/// Locks the data directory exclusively for this process.
///
/// # Errors
/// If another process has the lock.
pub(super) fn lock(directory: &Path) -> anyhow::Result<File> {
    let path = directory.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!(
                "{} is in use by another strongroom; stop it, or choose another --data-dir",
                directory.display()
            )
        }
        Err(std::fs::TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("locking {}", path.display()))
        }
    }
}

/// Opens the store and the audit log.
pub(super) async fn open_store(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    let directory = audit_directory(config);
    let mut sink = audit::Sink::open(&directory)?.with_max_file_size(config.audit.rotate_bytes);
    let options = store::Options {
        control_plane_roles: config::control_plane_roles()?,
        clock: clock.clone(),
        durability: match config.audit.durability {
            Durability::Request => store::Durability::Request,
            Durability::Relaxed => store::Durability::Relaxed,
        },
        exported: sink.last_seq(),
        exported_chain: Some(sink.last().chain.clone()),
        accept_break: config.audit.broken_chain == BrokenChain::Record,
        events_kept: config.events.kept,
    };
    let export = Box::new(move |records: &[store::ExportedRecord]| {
        sink.append(records.iter().map(|record| (record.seq, record.at, record.line.as_str())))
    });
    let path = config.data_dir.join("strongroom.db");
    let store = Store::open(&path, config::built_in_roles()?, options, export).await;
    store.with_context(|| {
        format!("the audit log in {} and the database {}", directory.display(), path.display())
    })
}

/// Returns the limits of audit entries about unauthenticated calls.
pub(super) fn refusal_limits(config: &Config) -> RefusalLimits {
    let audit = &config.audit;
    RefusalLimits {
        per_address: audit.refusals_per_address,
        total: audit.refusals_in_all,
        window: Duration::from_secs(audit.refusal_window_seconds),
        reserve: audit.reserve_bytes,
        directories: vec![config.data_dir.clone(), audit_directory(config)],
    }
}

/// Returns the directory of the audit files.
pub(super) fn audit_directory(config: &Config) -> PathBuf {
    config.audit.directory.clone().unwrap_or_else(|| config.data_dir.join("audit"))
}

/// Returns the profile of the module, with the overrides of the configuration.
pub(super) fn profile(config: &TokenConfig) -> anyhow::Result<Profile> {
    let mut profile = if Path::new(&config.profile).extension().is_some() {
        let text = std::fs::read_to_string(&config.profile)
            .with_context(|| format!("token.profile: reading {}", config.profile))?;
        Profile::parse(&text)?
    } else {
        Profile::named(&config.profile)?
    };
    let set = |value: &mut usize, configured: Option<usize>| *value = configured.unwrap_or(*value);
    set(&mut profile.workers, config.workers);
    set(&mut profile.queue, config.queue);
    set(&mut profile.session_copies, config.session_copies);
    profile.call_ms = config.timeout_milliseconds.unwrap_or(profile.call_ms);
    profile.slow_call_ms = config.slow_timeout_milliseconds.unwrap_or(profile.slow_call_ms);
    Ok(profile)
}

/// Creates an HSM with its initial role assignments at `/`.
pub(super) async fn create_hsm(
    store: &Store,
    hsm: ManagedHsm,
    assigned: &[(PrincipalId, &RoleDefinition)],
) -> anyhow::Result<()> {
    let assignment = |(principal, role): &(PrincipalId, &RoleDefinition)| RoleAssignment {
        id: Ids.guid(),
        role_definition: role.id,
        principal: *principal,
        scope: LocalScope::Hsm,
    };
    let name = hsm.name.clone();
    let changes = vec![Change::InsertHsm(hsm, assigned.iter().map(assignment).collect())];
    let commit = Commit { changes, rules: Rules::Configured, ..Commit::default() };
    store.commit(commit).await.with_context(|| format!("creating HSM {name}"))
}

/// Finds a built-in role by its case-insensitive display name.
pub(super) fn role<'a>(roles: &'a [RoleDefinition], name: &str) -> anyhow::Result<&'a RoleDefinition> {
    roles
        .iter()
        .find(|role| role.role_name.eq_ignore_ascii_case(name))
        .with_context(|| format!("there is no built-in role {name:?}"))
}

/// Opens the tokens of all HSMs, including deleted ones. Skips a token whose wipe by a purge was interrupted: the
/// sweeper completes the wipe.
pub(super) async fn open_tokens(
    store: &Store,
    supply: &TokenPool,
    tokens: &AttachedTokens,
) -> anyhow::Result<()> {
    let intents = store.intents();
    let is_wiped = |hsm: &ManagedHsm| {
        intents.iter().any(|intent| {
            intent.verb == IntentVerb::Wipe
                && intent.hsm.to_case_insensitive() == hsm.name.to_case_insensitive()
        })
    };
    for hsm in store.hsms().iter().filter(|hsm| !is_wiped(hsm)) {
        let token = supply
            .open(&Selector::Serial(hsm.token_serial.clone()), true)
            .await
            .with_context(|| format!("opening the token of HSM {}", hsm.name))?;
        tokens.attach(&hsm.name, token);
    }
    Ok(())
}

/// Whether an HSM of this name has ever existed. A configured HSM that was purged is not created again at the next
/// start.
pub(super) fn has_existed(lifetimes: &[HsmLifetime], name: &HsmName) -> bool {
    lifetimes.iter().any(|life| life.name.to_case_insensitive() == name.to_case_insensitive())
}

/// Returns the policy for AES modes of operation, from the configuration and its HSMs.
pub(super) fn aes_modes(config: &Config, hsms: &[HsmSeed]) -> AesModePolicy {
    let own = hsms.iter().filter_map(|hsm| hsm.aes_modes.map(|modes| (&hsm.name, modes)));
    AesModePolicy::new(config.crypto.aes_modes, own)
}

/// Returns the configured price list and plan.
pub(super) fn pricing(config: &Config) -> anyhow::Result<Pricing> {
    let prices = config::prices(config.billing.prices_file.as_deref())?;
    Ok(Pricing { prices, plan: config.billing.plan.clone() })
}
