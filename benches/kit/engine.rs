//! An engine in this process, with a store and SoftHSM in a directory.

use std::path::Path;

use strongroom::clock::Clock;
use strongroom::config;
use strongroom::engine::{AuditFiles, AuditLog, Engine, EngineParts};
use strongroom::identity::Identity;
use strongroom::model::billing::Pricing;
use strongroom::model::container_setting::KeyPolicies;
use strongroom::model::throttling::RateLimits;
use strongroom::ops::AttachedTokens;
use strongroom::storage::Policy;
use strongroom::store::{Options, Store};
use strongroom::token::softhsm::Directory;
use strongroom::token::{Module, Profile, TokenPool, TokenSource};

/// The directory of SoftHSM, below that of the engine.
pub(crate) const SOFTHSM: &str = "softhsm";

/// Opens the store.
pub(crate) async fn open_store(directory: &Path, clock: &Clock) -> anyhow::Result<Store> {
    let options = Options {
        control_plane_roles: config::control_plane_roles()?,
        clock: clock.clone(),
        ..Options::default()
    };
    let roles = config::built_in_roles()?;
    let files = AuditFiles::open(&directory.join("audit"), u64::MAX)?;
    Ok(Store::open(&directory.join("bench.db"), roles, options, Box::new(files)).await?)
}

/// Loads SoftHSM, and returns it with a pool of its tokens.
pub(crate) fn token_pool(directory: &Path) -> anyhow::Result<(Module, TokenPool)> {
    let softhsm = Directory::prepare(&directory.join(SOFTHSM))?;
    // Instructions are counted on the thread of the caller, and those of SoftHSM are not of interest.
    let profile = Profile { inline: false, ..Profile::named("softhsm")? };
    let module = Module::load_softhsm(&softhsm, None, profile)?;
    let source = TokenSource::SoftHsm { pin: "bench-user-pin".into(), so_pin: "bench-officer-pin".into() };
    Ok((module.clone(), TokenPool::new(module, source)))
}

/// Creates the engine.
pub(crate) fn engine(
    directory: &Path,
    identity: Identity,
    (store, clock): (Store, Clock),
    (token_pool, tokens): (TokenPool, AttachedTokens),
) -> anyhow::Result<Engine> {
    Ok(Engine::new(EngineParts {
        identity,
        store,
        clock,
        locations: config::locations()?,
        pricing: Pricing { prices: config::prices(None)?, plan: config::Billing::default().plan },
        token_pool,
        tokens,
        key_policies: KeyPolicies::default(),
        storage: Policy::default(),
        clock_operators: Vec::new(),
        test_issuer: false,
        rate_limits: RateLimits::Off,
        soft_delete_opt_out: false,
        audit_log: AuditLog::unsigned(directory.join("audit")),
    }))
}
