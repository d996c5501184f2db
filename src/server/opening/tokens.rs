//! Opens the tokens of the containers.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::installation::InitialHsm;
use crate::config::Token as TokenConfig;
use crate::model::Error;
use crate::model::container::ContainerId;
use crate::ops::AttachedTokens;
use crate::store::Store;
use crate::token::{Module, Profile, Selector, Token, TokenPool, TokenUsage};

/// Returns the profile of the module, with the overrides of the configuration.
///
/// # Errors
/// If the profile cannot be read, is unknown or is invalid.
pub(crate) fn profile(config: &TokenConfig) -> anyhow::Result<Profile> {
    let mut profile = if Path::new(&config.profile).extension().is_some() {
        let text = std::fs::read_to_string(&config.profile)
            .with_context(|| format!("token.profile: reading {}", config.profile))?;
        Profile::parse(&text)?
    } else {
        Profile::named(&config.profile)?
    };
    let set = |value: &mut usize, configured: Option<usize>| *value = configured.unwrap_or(*value);
    set(&mut profile.workers, config.workers);
    set(&mut profile.processes, config.processes);
    set(&mut profile.sessions_total, config.sessions_total);
    set(&mut profile.queue, config.queue);
    set(&mut profile.session_copies, config.session_copies);
    profile.call_ms = config.timeout_milliseconds.unwrap_or(profile.call_ms);
    profile.slow_call_ms = config.slow_timeout_milliseconds.unwrap_or(profile.slow_call_ms);
    Ok(profile)
}

/// Errors unless the selected tokens are those that hold the keys of the HSMs, so that no PIN is tried on a wrong
/// token.
pub(super) fn check_tokens(hsms: &[InitialHsm], store: &Store, module: &Module) -> anyhow::Result<()> {
    for InitialHsm { seed: wanted, token, .. } in hsms {
        let (Some(selector), Some(hsm)) = (token, store.hsm(&wanted.name)) else { continue };
        let present = match module.find(selector) {
            Ok(present) => present,
            // It is opened by its serial number later, so that no other token is tried.
            Err(Error::TokenUnavailable { .. }) => continue,
            Err(error) => return Err(error).with_context(|| format!("the token of HSM {}", wanted.name)),
        };
        if hsm.token_serial != present.serial {
            bail!(
                "the keys of HSM {} are in the token with serial {}, but {selector} is the token with serial {}",
                wanted.name,
                hsm.token_serial,
                present.serial
            );
        }
    }
    Ok(())
}

/// Opens the tokens of all containers, including deleted ones. Leaves out those that are unavailable, so that the other containers
/// can be used: health checks report them, and open them as soon as that is possible.
pub(super) async fn open_tokens(store: &Store, pool: &TokenPool) -> anyhow::Result<AttachedTokens> {
    let tokens = AttachedTokens::default();
    for container in tokens.missing(store) {
        let id = container.id();
        let serial = Selector::Serial(container.token_serial().to_owned());
        match pool.open(&serial, true).await {
            Ok(token) => tokens.attach(&id, token),
            Err(error @ Error::TokenUnavailable { .. }) => {
                tracing::debug!(container = %id, error = %error.with_causes(), "a token cannot be opened now");
            }
            Err(error) => return Err(error).with_context(|| format!("opening the token of {id}")),
        }
    }
    Ok(tokens)
}

/// Opens the token of a new HSM, or allocates one.
pub(super) async fn open_new_token(
    hsm: &InitialHsm,
    store: &Store,
    pool: &TokenPool,
) -> anyhow::Result<Token> {
    let name = &hsm.seed.name;
    match &hsm.token {
        Some(selector) => pool
            .open(selector, false)
            .await
            .with_context(|| format!("opening the token of HSM {name} ({selector})")),
        None => allocate(&name.into(), store, pool).await,
    }
}

/// Allocates the token of a new container.
pub(super) async fn allocate(id: &ContainerId, store: &Store, pool: &TokenPool) -> anyhow::Result<Token> {
    let usage = || TokenUsage { in_use: store.token_serials(), ..TokenUsage::default() };
    pool.allocate(id.as_stored(), usage).await.with_context(|| format!("creating the token of {id}"))
}
